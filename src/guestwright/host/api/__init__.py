"""HTTP for the service of a host: typed, versioned, on a unix socket and on TLS with client certificates."""
