"""One step from its lease to what came of it.

Imported by `app.engine.control`, `app.engine.process`, `app.humans`, `app.sweeps`, `tasks`, the pages of runs, and an application's intake.
"""
