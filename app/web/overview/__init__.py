"""The overview, alerts, health and refused messages: how everything stands. Imported by `app.web.application`."""
