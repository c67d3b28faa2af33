"""A client of the host service: synchronous, on its unix socket or by TLS; standard library only."""
