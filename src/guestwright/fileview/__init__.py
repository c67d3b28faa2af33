"""Shows a block device as a host file to somebody else's tool, without a trace on the host."""
