"""The functions, triggers, views, policies and rights of the database: a file per subject, each thing once, in its current text.

The law: these files say what is; migrations keep tables, and what a migration once made here it no longer makes. Every
`migrate` applies them (`apply.py`). For `app.store.migrate` alone.
"""
