"""What guests are given on a medium: one module for each form, each with its rules and its scrubbed twin."""
