"""A guest's files read by a confined child process."""
