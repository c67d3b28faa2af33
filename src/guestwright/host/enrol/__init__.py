"""Who may talk to the service over the network: a small certificate authority of the host's own."""
