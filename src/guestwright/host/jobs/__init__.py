"""Durable asynchronous jobs of one host: submitted once, run by threads, survive a kill of the service."""
