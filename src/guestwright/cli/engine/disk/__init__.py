"""Commands about disks."""
