"""Claims as they come to an insurer, many at once, through the stack that `longhaul up` starts: `python -m benchmarks.claims`."""
