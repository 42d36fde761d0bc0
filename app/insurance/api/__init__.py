"""Claims over the HTTP API: stated, sent with their documents. Imported by `app.installed`."""
