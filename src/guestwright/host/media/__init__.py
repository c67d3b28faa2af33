"""Payloads of domains: kept encrypted, shown to guests as media, swapped for their scrubbed twins."""
