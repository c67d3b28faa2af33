"""The engine's native REST API, `/api/v1`."""
