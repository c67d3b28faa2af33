"""What the engine knows: hosts, storage, disks, machines, templates, facts and events, in one database."""
