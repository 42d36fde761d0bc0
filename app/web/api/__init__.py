"""The HTTP API under /api/v1: the same services as the pages and the command line, for programs.

Imported by `app.web.application` and an application's own routes.
"""
