"""Customising a guest while it is sealed: name, time zone, passwords, keys, first-boot scripts, files."""
