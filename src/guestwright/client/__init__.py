"""A client of the engine's REST API: synchronous and asynchronous, from one description of its calls."""
