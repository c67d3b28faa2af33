"""Commands of `guestwright host`, one file each."""
