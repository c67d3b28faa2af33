"""The process of the engine: every part, started and ended in order."""
