"""What the agent decides: values in, values out. No I/O, no clock."""
