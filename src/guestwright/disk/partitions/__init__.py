"""Partition tables and superblocks: pure parsers over a block device. Nothing here writes."""
