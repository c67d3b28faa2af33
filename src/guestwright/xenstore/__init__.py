"""A xenstore server and its clients."""
