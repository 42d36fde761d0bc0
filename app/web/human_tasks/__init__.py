"""The inbox and the page of a human task, with all that is shown beside it.

Imported by `app.web.application` and the API.
"""
