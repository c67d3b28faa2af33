"""Payload media: ISO 9660 and FAT images, written and read without mounting anything."""
