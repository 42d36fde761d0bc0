"""Who may come in, as rows: people, what their roles may, sessions, API keys, links.

Imported by `app.accounts` and `app.insurance.claimant`.
"""
