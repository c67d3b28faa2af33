"""`guestwright agent`: the host's commands about the guest's agent."""
