"""Calls of the engine's API, as values: what a client is given to do."""
