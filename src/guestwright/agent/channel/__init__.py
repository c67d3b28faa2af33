"""How the agent reaches the store of its host."""
