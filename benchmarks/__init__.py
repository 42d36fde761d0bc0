"""Benchmarks: each starts servers of its own in a temporary folder, and leaves nothing behind."""
