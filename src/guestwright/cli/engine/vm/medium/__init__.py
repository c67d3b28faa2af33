"""Commands about media in drives of machines."""
