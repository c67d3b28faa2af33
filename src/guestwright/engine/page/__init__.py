"""A plain page that shows what the engine knows, for a browser."""
