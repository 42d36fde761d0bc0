"""A person's verdict on a call of which nobody knows whether it had its effect.

The law: only such a call is judged. One that did not happen may be sent once more, under the next key alone; and a run
none of whose irreversible calls stands any more may be cancelled again. The run's row must be locked.
"""

from __future__ import annotations

from uuid import UUID

from app.core.canonical import digest
from app.core.ids import idempotency_key
from app.store.database import Connection

_OPEN = "run_id = %(run)s AND step_seq = %(step)s AND call_seq = %(call)s AND status IN ('INTENT', 'UNKNOWN')"
_HAPPENED = f"""
UPDATE checkpoints SET status = 'COMPLETE', output = %(output)s::jsonb, output_hash = %(output_hash)s, completed_at = app_now()
WHERE {_OPEN} RETURNING call_seq"""
_DID_NOT = f"""
UPDATE checkpoints SET status = 'FAILED', key_epoch = %(epoch)s, idempotency_key = %(key)s, key_valid_until = NULL
WHERE {_OPEN} AND key_epoch = %(epoch)s - 1 RETURNING call_seq"""
_STANDS_NO_LONGER = """
UPDATE runs r SET irreversible_since = NULL WHERE r.id = %(run)s AND NOT EXISTS (SELECT 1 FROM checkpoints c
    WHERE c.run_id = %(run)s AND c.action_id IS NOT NULL AND c.status IN ('INTENT', 'UNKNOWN', 'COMPLETE'))"""


def happened(db: Connection, run_id: UUID, step_seq: int, call_seq: int, *, output: str) -> bool:
    """INTENT or UNKNOWN -> COMPLETE with what the person attests (a canonical text). False if it was settled meanwhile."""
    place = {"run": run_id, "step": step_seq, "call": call_seq}
    return db.execute(_HAPPENED, place | {"output": output, "output_hash": digest(output)}).fetchone() is not None


def did_not_happen(db: Connection, run_id: UUID, step_seq: int, call_seq: int) -> bool:
    """INTENT or UNKNOWN -> FAILED, under the next key. False if it was settled meanwhile."""
    place = {"run": run_id, "step": step_seq, "call": call_seq}
    row = db.execute(f"SELECT key_epoch FROM checkpoints WHERE {_OPEN}", place).fetchone()
    if row is None:
        return False
    epoch = row["key_epoch"] + 1
    key = idempotency_key(run_id, step_seq, call_seq, epoch)
    judged = db.execute(_DID_NOT, place | {"epoch": epoch, "key": key}).fetchone()
    db.execute(_STANDS_NO_LONGER, place)
    return judged is not None
