"""Documents: kept by content hash, read in a sandboxed child process.

Imported by `app.engine`, `app.bootstrap`, an application's tools and pages, commands, pages and `tasks`.
"""
