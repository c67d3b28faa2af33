"""Commands about payload objects."""
