"""What the demonstration needs and the product does not: an outside payments service, sample claims, named people.

Imported by `app.insurance.commands` and `app.installed`.
"""
