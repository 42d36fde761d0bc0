"""What is done to a run from outside: signals, an operator's verbs, forks, erasing.

Imported by commands, pages and the API.
"""
