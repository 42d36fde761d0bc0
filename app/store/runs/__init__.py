"""Runs and all that moves with them: the row, its steps, signals, payloads, budgets, conversations, forks.

Every other room of the store may import this one.
"""
