"""The only importer of Celery: `celery -A tasks worker|beat|flower` finds the app here."""

from tasks.celery import app

celery = app

__all__ = ["app", "celery"]
