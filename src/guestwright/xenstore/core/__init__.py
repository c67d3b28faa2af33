"""The xenstore protocol and store as a library: bytes in, bytes out, no I/O."""
