"""The service of one hypervisor host: domains, their agents, and what happens to them, put together."""
