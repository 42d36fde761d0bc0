"""Who may come in, as rows: people, sessions, API keys, links.

Imported by `app.accounts` and `app.insurance.claimant`.
"""
