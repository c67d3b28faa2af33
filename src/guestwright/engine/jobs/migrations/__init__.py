"""From one schema of the jobs to the next; run by code when their database is opened."""
