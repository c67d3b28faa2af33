"""The files of a guest behind one port."""
