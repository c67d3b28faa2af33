"""Commands that stand on the engine's API."""
