"""Commands `guestwright host payload …`."""
