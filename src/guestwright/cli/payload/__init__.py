"""`guestwright payload`: media that hand a guest its configuration."""
