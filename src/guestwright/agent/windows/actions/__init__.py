"""What the host may ask of a Windows guest."""
