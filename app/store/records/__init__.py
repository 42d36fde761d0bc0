"""What is kept beside the runs:

Documents, alerts, refused messages, request keys; and how a record is verified, handed over, erased. No other room
of the store may import this one.
"""
