"""The hosts of the engine: where their services are, and what jobs ask of them."""
