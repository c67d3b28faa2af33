"""Sealing: turn a machine's disks into a template by erasing what identifies that machine."""
