"""What every HTTP interface of ours has: bounded requests, threads, errors, streams of events."""
