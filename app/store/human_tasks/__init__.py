"""Human tasks as rows: opened, held, answered, queued, late.

Imported by `app.humans`, `app.web`, `app.sweeps` and the API.
"""
