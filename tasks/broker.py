"""Whether the broker answers, for `doctor` and `explain`; loaded by its dotted name, as only `tasks` knows kombu."""

from __future__ import annotations

from kombu.connection import Connection
from kombu.exceptions import KombuError

from app.settings import settings
from tasks.celery import app


def broker_answers() -> str | None:
    """None if the broker answers within the publishing time-out, else what went wrong, without its password."""
    wait = settings().publish_timeout_seconds
    options = dict(app.conf.broker_transport_options)
    if "socket_timeout" in options:
        options |= {"socket_timeout": wait, "socket_connect_timeout": wait}
    connection = Connection(app.conf["broker_url"], transport_options=options, connect_timeout=wait)
    known = (*connection.connection_errors, *connection.channel_errors, KombuError, OSError)
    try:
        # Redis connects only with its first channel, which pings.
        connection.connect()
    except known as problem:
        return f"{connection.as_uri()} does not answer: {type(problem).__name__}: {problem}"
    try:
        with connection.channel() as channel:
            if connection.transport.driver_type == "redis":
                channel.client.set("probe", "", px=1000)  # one that is full, or a replica, answers and takes nothing
    except known as problem:
        return f"{connection.as_uri()} answers and takes no messages: {type(problem).__name__}: {problem}"
    finally:
        connection.release()
    return None
