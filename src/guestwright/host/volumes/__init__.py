"""A storage domain: a directory of raw and qcow2 volumes, each with its state, and what is done to them."""
