"""Ways to reach a guest's files: `ext` (libext2fs), `appliance` (libguestfs), `memory` (tests)."""
