"""What the agent knows of a FreeBSD guest; tested on recorded and made data, never yet on FreeBSD."""
