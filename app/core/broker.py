"""By what a message reaches our workers: the names that senders outside of Longhaul need too.

The law: every key of ours in Redis begins with KEY_PREFIX, so that other programs may use the same database of it. A
queue without it is another queue, which nobody of ours reads. RabbitMQ knows no prefix.
"""

from __future__ import annotations

KEY_PREFIX = "longhaul:"
INTAKE = "intake"  # the queue of START
START = "longhaul.start"
