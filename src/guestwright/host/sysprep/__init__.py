"""Generalising a running guest from the outside: the protocol, and one conversation of it."""
