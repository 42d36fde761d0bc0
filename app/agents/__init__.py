"""The edge towards models: providers, and what keeps their answers honest. Imported by `app.bootstrap` and commands."""
