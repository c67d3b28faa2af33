"""What the agent knows of a Linux guest, from rtnetlink, /proc, /sys and a few files; no tool is run."""
