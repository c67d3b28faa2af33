"""What every other package stands on: errors, secrets, ids, undo, ports. No I/O, standard library only."""
