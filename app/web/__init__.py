"""The pages: HTML made by the server. Nothing is changed by a GET; nothing is decided here.

Every page does all it is for without scripts; the few there are add keys, show what is newer by themselves and keep drafts.
Started as `python -m app.web`; an application's own pages and routes import `app.web.http` and `app.web.api`.
"""
