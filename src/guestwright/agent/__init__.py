"""The guest's side: standard library only, Python 3.8 and later; ships as one file."""
