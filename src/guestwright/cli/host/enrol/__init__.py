"""Commands of `guestwright host enrol`, one file each."""
