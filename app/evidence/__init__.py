"""The evidence pack of a run: written, signed, and checked by anybody with nothing but the file.

Imported by commands, pages and the API.
"""
