"""Keeps processes that touch hostile data away from the host: Landlock, namespaces, seccomp, limits."""
