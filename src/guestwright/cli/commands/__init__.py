"""One command per file, named noun_verb."""
