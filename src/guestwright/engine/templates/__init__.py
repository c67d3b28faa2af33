"""Templates: made from machines, sealed, by durable jobs."""
