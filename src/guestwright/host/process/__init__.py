"""The process of the host service: every part, started and ended in order."""
