"""Worker processes, what of them is due for a sweep, and whether their hosts share one document store.

Imported by `app.engine`, `app.sweeps`, `app.alerts`, `app.documents`, `app.doctor`, the overview and `tasks`.
"""
