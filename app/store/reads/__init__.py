"""Read models: what lists, pages, alerts and `explain` read, each as of one moment.

Nothing here writes, but for the names a run is found by. Imported by whoever shows something, and `app.store.records`.
"""
