"""Machines from templates, one or many, by durable jobs."""
