"""Commands about the engine's hosts."""
