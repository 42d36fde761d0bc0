"""The only SQL of the product, a room per subject; what all of them stand on lies here.

Imported by all but `app.core` and `workflows`.
"""
