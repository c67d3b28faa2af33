"""Disk images: formats, locks, block devices, overlay, partition tables and the redo log."""
