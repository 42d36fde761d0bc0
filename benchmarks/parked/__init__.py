"""What runs cost that wait, and what a database that grows costs those that do not: `python -m benchmarks.parked`.

workflow: the runs. filling: a database full of them. sweeps, idle, waking, growth: one measurement each.
"""
