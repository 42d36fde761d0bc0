"""Who may come in and what each role may do: sign-in, sessions, keys, links, rights.

Imported by `app.humans`, `app.web` and commands.
"""
