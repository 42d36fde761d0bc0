"""The imperative shell: take the lease, do the work, decide, write, ring. No SQL text, no Celery.

What every room of it is handed lies here. Imported by all that stands above it; by an application, the runtime it is given.
"""
