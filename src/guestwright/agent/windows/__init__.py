"""The agent on Windows; what of it ran where is in docs/agent-windows.md."""
