"""Conditions worth a person's attention: pure rules, and the ledger that opens each once and resolves it by itself.

Imported by `app.sweeps` and pages.
"""
