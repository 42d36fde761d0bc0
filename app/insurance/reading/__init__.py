"""How insurance papers are read: pure, without model or network.

Imported by `workflows` and by who is handed the rules.
"""
