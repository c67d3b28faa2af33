"""Commands, services and files of a guest, through its store: the host's side."""
