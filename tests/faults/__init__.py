"""Real faults on real processes: `make faults`.

The law: each fault says what it did and what it measured, and every fault is judged by the same invariants, written
once in `invariants`. A command of its own and no part of the test run: the faults that are about defaults (two minutes
of silence, pings every 30 s) take as long as they take.
"""
