"""How the agent gets into guests: one file, its services, a Debian package. Runs on the host only."""
