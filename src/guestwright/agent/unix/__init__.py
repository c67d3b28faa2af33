"""What all Unix guests have in common: small files, names, identity."""
