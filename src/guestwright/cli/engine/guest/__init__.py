"""Commands about guests."""
