"""The xenstore server: an event loop, channels, limits and saved state around the core."""
