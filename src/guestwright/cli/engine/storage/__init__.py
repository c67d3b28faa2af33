"""Commands about storage domains."""
