"""`guestwright store`: look into a xenstore and change it, from scripts and by hand."""
