"""Who may do what: users, tokens, rights, and brakes on guessing."""
