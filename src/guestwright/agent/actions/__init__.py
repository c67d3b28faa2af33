"""What the host may ask for."""
