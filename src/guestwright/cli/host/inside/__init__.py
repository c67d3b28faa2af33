"""Commands of a host that reach into guests."""
