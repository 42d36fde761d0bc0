"""The servers of the embedded stack, one file each, and the processes they run in.

Imported by `app.stack`, tests and benchmarks.
"""
