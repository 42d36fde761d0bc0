"""The Celery app: settings from `celeryconfig`, and what our workers do otherwise than Celery's own."""

from __future__ import annotations

from celery import Celery

from tasks.events import GroupedEvents
from tasks.listening import Listening
from tasks.several import SeveralAtOnce

app = Celery("longhaul", amqp="tasks.edge.connections:AMQP")
app.config_from_object("celeryconfig")
app.steps["consumer"].update({GroupedEvents, Listening, SeveralAtOnce})
