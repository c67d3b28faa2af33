"""The engine follows its hosts: what they say becomes the inventory."""
