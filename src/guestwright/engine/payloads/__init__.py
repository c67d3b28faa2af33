"""Payload objects: versioned, encrypted at rest, referred to by machines and templates."""
