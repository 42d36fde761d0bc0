"""Systematic mutation: every guard of the code that keeps laws is broken, one at a time, and a test must turn red.

The hand-made mutants (`tests/mutants`) show that each guarantee's test can fail. This asks the same of each single
term, comparison, argument and statement. `make mutate` runs it; `docs/reliability.md` has its figures.
"""
