"""Irreversible effects: proposed by a human task, approved by its answer, executed by a call, confirmed by asking again.

Imported by `app.humans`, `app.sweeps`, commands and pages.
"""
