"""The ledger of irreversible actions, and what calls did outside.

Imported by `app.actions`, `app.engine` and who shows it.
"""
