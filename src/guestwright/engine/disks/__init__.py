"""Disks of the engine that come from files and go into files, through the services of hosts."""
