"""`guestwright host volume`: volumes of a host's storage domains."""
