"""Signing in, one's own account, and the administrator's pages. Imported by `app.web.application`."""
