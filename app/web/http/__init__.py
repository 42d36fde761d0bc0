"""What every page stands on: guard, session, forms on their way in, values and templates on their way out.

Imported by every room of the pages.
"""
