"""Password hashes, generated passwords and the shadow file."""
