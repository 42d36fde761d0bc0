"""The list of runs and the page of one: its way, its time, what an operator may do to it.

Imported by `app.web.application`.
"""
