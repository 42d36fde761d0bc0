"""What the API answers, a file per subject. Imported by `app.web.api.application`."""
