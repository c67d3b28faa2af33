"""How memory moves between guests: a pure policy, and a simulator of the guests that it meets."""
