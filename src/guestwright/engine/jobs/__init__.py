"""Durable jobs: sequences of steps that a crash neither loses nor does twice."""
