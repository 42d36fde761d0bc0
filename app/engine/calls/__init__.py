"""Durable calls of a step: intent committed, act, result committed; and what a call asks for first.

Imported by `app.engine.step`.
"""
