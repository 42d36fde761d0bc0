"""The papers of the sample claims, one kind a file, and what happens to them on their way.

Imported by `app.insurance.demo.samples`.
"""
