"""The service of one hypervisor host: what its guests say, what may be done with them, their memory."""
