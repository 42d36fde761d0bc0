"""The pure core: what a run may do and how a workflow reads. No I/O, no clock, no database.

Imported by everything, and itself imports nothing else of ours.
"""
