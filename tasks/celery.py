"""The Celery app: settings from `celeryconfig`, and what our workers do otherwise than Celery's own.

The law: whoever imports this keeps their own Celery. It becomes nobody's current app, none of its tasks goes into
another app (`shared=False`), and what listens to Celery's signals is connected by a worker's start, not by an import.
Nor does anything of theirs become ours: not `CELERY_BROKER_URL`, not a `celeryconfig` of their own.
"""

from __future__ import annotations

from typing import Any

from celery import Celery


class Longhaul(Celery):
    """Its broker is the one Longhaul's settings name; the variables Celery reads by itself are somebody else's."""

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        """Where workers read."""
        return super().connection_for_read(url or self.conf["broker_url"], **options)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        """Where messages are sent."""
        return super().connection_for_write(url or self.conf["broker_url"], **options)


app = Longhaul("longhaul", amqp="tasks.edge.connections:AMQP", loader="tasks.loader:Loader", set_as_current=False)
app.config_from_object("celeryconfig")
# By their names: only a worker imports what is a worker's.
app.steps["consumer"].update(
    {
        "tasks.events:GroupedEvents",
        "tasks.edge.listening:Listening",
        "tasks.edge.several:SeveralAtOnce",
        "tasks.local:LocalDelivery",
    }
)
