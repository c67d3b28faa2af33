"""What guests say of themselves, and what the host sees of them: bounded, typed, with source and age."""
