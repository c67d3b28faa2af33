"""From one schema to the next; run by code when the engine starts."""
