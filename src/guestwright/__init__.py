"""Guestwright looks after the guests of a virtualisation host."""

__version__ = "0.1.0"
