"""What a library may not change in the process that imports it, as plain text by name."""

from __future__ import annotations

import asyncio
import decimal
import json
import locale
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import billiard
import psycopg
from celery import _state, signals
from celery.utils.dispatch import Signal
from kombu import compression, matcher, pools, serialization
from kombu.transport import TRANSPORT_ALIASES
from kombu.utils import json as kombus_json


def surroundings() -> dict[str, str]:
    """Everything that belongs to the process, or to the Celery of whoever runs it. What is the same reads the same."""
    found = {**_interpreter(), **_system(), **_logging(), **_celery(), **_kombu()}
    return {name: repr(value) for name, value in found.items()}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """What reads otherwise now, by name."""
    return {name: f"{before.get(name)} -> {value}" for name, value in after.items() if before.get(name) != value}


def _interpreter() -> dict[str, Any]:
    return {
        "sys.excepthook": sys.excepthook,
        "sys.unraisablehook": sys.unraisablehook,
        "sys.displayhook": sys.displayhook,
        "threading.excepthook": threading.excepthook,
        "sys.path": sys.path,
        "sys.meta_path": sys.meta_path,
        "sys.path_hooks": [id(hook) for hook in sys.path_hooks],
        "standard streams": [id(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)],
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "tracing": (sys.gettrace(), sys.getprofile()),
        "decimal context": decimal.getcontext(),
        "default decimal context": decimal.DefaultContext,
        "asyncio policy": asyncio.get_event_loop_policy(),
        "multiprocessing": multiprocessing.get_start_method(allow_none=True),
        "billiard": billiard.get_start_method(allow_none=True),
        "json": json.JSONEncoder.default,
        "warnings filters": warnings.filters,
        "warnings.showwarning": warnings.showwarning,
        "psycopg adapters": sorted(map(repr, psycopg.adapters._dumpers)),
    }


def _system() -> dict[str, Any]:
    os.umask(umask := os.umask(0))
    return {
        "os signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "locale": locale.setlocale(locale.LC_ALL),
        "time zone": time.tzname,
        "umask": umask,
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "socket": (socket.getdefaulttimeout(), socket.socket, socket.getaddrinfo),
    }


def _logging() -> dict[str, Any]:
    root, found = logging.getLogger(), dict[str, Any]()
    found["root"] = (root.level, [id(handler) for handler in root.handlers], root.filters, root.disabled)
    found["logging"] = (
        logging.getLoggerClass(),
        logging.getLogRecordFactory(),
        logging.raiseExceptions,
        root.manager.disable,
        logging.getLevelNamesMapping(),
        id(logging.lastResort),
    )
    # A library's own loggers are its own affair; those of the caller and of what both use are not.
    for name in ("celery", "celery.task", "celery.worker", "kombu", "amqp", "redis", "py.warnings", "shop", "django"):
        logger = logging.getLogger(name)
        found[f"logger {name}"] = (
            logger.level,
            [type(handler).__name__ for handler in logger.handlers],
            logger.filters,
            logger.propagate,
            logger.disabled,
        )
    return found


def _celery() -> dict[str, Any]:
    from celery import current_app

    own = current_app._get_current_object()
    return {
        "current app": (id(own), own.main),
        "default app": id(_state.default_app),
        "this thread's app": id(_state._tls.current_app),
        "current task": _state.get_current_task(),
        "tasks": sorted(own.tasks),
        "their configuration": dict(own.conf.changes),
        "tasks of every app": len(_state._on_app_finalizers),
        **{
            f"Celery's signal {name}": [key for key, *_ in found.receivers or []]
            for name, found in vars(signals).items()
            if isinstance(found, Signal)
        },
    }


def _kombu() -> dict[str, Any]:
    kinds = serialization.registry
    panel = sys.modules.get("celery.worker.control")
    return {
        "serializers": (
            sorted(kinds._encoders),
            sorted(kinds._decoders),
            kinds._default_encode,
            kinds._disabled_content_types,
        ),
        "json types": (sorted(map(repr, kombus_json._encoders)), sorted(kombus_json._decoders)),
        "compression": sorted(compression._encoders),
        "transports": dict(TRANSPORT_ALIASES),
        "pools": (pools.get_limit(), len(pools.connections), len(pools.producers)),
        "matchers": sorted(matcher.registry._matchers),
        "remote control": sorted(panel.Panel.data) if panel else [],
    }
