"""Every Celery setting of Longhaul, each with its reason. The law: Postgres is the truth, a message is a doorbell.

Read by `tasks.app`; change it here and nowhere else.
"""

from __future__ import annotations

from kombu import Queue

from app.application import workflows
from app.core.ids import INTAKE, KEY_PREFIX, START, queue_name
from app.core.workflow import POOLS
from app.settings import settings
from app.sweeps.schedule import periods

_settings = settings()
_redis = not _settings.broker_url.startswith("amqp")

broker_url = _settings.broker_url or "redis+socket:///nonexistent/longhaul-not-started.sock"
result_backend = None  # results live in the journal
task_ignore_result = True
task_store_errors_even_if_ignored = False

# Early ack: a lost doorbell costs one sweep, a redelivered one would cost a second execution; and late acks crash a
# Celery 5.7 worker whose broker dies while a task runs.
task_acks_late = False
task_reject_on_worker_lost = False
task_retry_on_worker_lost = False  # acts even with early ack

# No prefetch: a bell in a busy worker's memory is a bell nobody else can answer.
worker_prefetch_multiplier = 1
worker_disable_prefetch = _redis  # other transports ignore it with a warning
# After a reconnect Celery would widen the prefetch again from a thread of the pool, waiting on the channel that the
# consumer is just setting up; each reads the other's answer from the socket, and the worker hears nothing any more.
worker_enable_prefetch_count_reduction = False

broker_transport_options = (
    {
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 15,
        # No `unacked` hash: two to three times cheaper per task, and nothing to restore. Right because the sweep rings again.
        "ack_emulation": False,
        # One list per queue: the default asks Redis for four of each, with every message; no message of ours has a priority.
        "priority_steps": [0],
        "global_keyprefix": KEY_PREFIX,
        "client_name": "longhaul",
    }
    if _redis
    else {"confirm_publish": True, "connect_timeout": 3, "read_timeout": 10, "write_timeout": 10}
)
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # workers recover without help, however long the broker is away
broker_channel_error_retry = True  # and whatever it answers: a queue deleted, a key of another type, a replica
broker_connection_timeout = 3
worker_cancel_long_running_tasks_on_connection_loss = False  # a step under way is worth more than its message

task_publish_retry = False  # the dispatcher is best effort; the sweep is the retry
task_serializer = "json"
accept_content = ["json"]  # never pickle: a forged message can do no more than ask
task_create_missing_queues = False
task_default_queue = "sweeps"

# A worker subscribes to the versions it has, in the pools it is started for (LONGHAUL_POOLS).
_pools = _settings.pool_names
_names = [queue_name(pool, w.name, w.version) for w in workflows(_settings) for pool in POOLS if pool in _pools]
_names += ["sweeps", INTAKE] if "sweeps" in _pools or not _names else []
task_queues = [Queue(name, routing_key=name, durable=True) for name in _names]
task_default_exchange = "longhaul"
task_routes = {"longhaul.sweep.*": {"queue": "sweeps"}, START: {"queue": INTAKE}}

# Threads for steps that wait on others: on models, services, and the processes in which documents are read. Prefork where
# steps must run alone, because one of them may have taken its process down.
worker_pool = "prefork" if "isolated" in _pools and not {"steps", "sweeps"} & set(_pools) else "threads"
worker_concurrency = 16 if worker_pool == "threads" else 2
worker_max_tasks_per_child = 500  # prefork: returns what native libraries leak
worker_max_memory_per_child = 400_000  # KB
worker_proc_alive_timeout = 30  # the 4 s default kills children that start slowly on a loaded machine
worker_hijack_root_logger = False  # logs are ours: JSON lines
worker_redirect_stdouts = False
worker_send_task_events = True  # for Flower
task_send_sent_event = False  # would label one "worker" per publishing process
worker_enable_remote_control = True  # to look, for Flower and `celery inspect`; see the consumer
worker_consumer = "tasks.edge.consumer:Consumer"  # refuses what we would not send: no message can end a worker
worker_state_db = None
enable_utc = True
timezone = "UTC"

imports = ("tasks.steps", "tasks.periodic.sweeps", "tasks.intake", "tasks.canary")

beat_schedule = {
    # `expires`: a worker that comes back late must not find a thousand stale sweeps.
    name: {
        "task": f"longhaul.sweep.{name}",
        "schedule": every,
        "options": {"expires": max(2.0, every * 2), "queue": "sweeps"},
    }
    for name, every in periods(_settings).items()
}
beat_max_loop_interval = 5
beat_scheduler = "tasks.periodic.beat:Scheduler"  # does not spin while it waits
