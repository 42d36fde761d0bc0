"""The work queue: who may answer a human task, and what their answer sets in motion.

Imported by pages, API and commands.
"""
