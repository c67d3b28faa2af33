"""The operations, one file each; tables of paths for those that only remove."""
