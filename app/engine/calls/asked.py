"""What the other side knows of a call that was begun, when it is asked for the key.

The law: an answer counts only if it is about what was sent; one about something else is for a person.
"""

from __future__ import annotations

from typing import Any

from app.core.canonical import restore
from app.core.errors import Contradicted, OutcomeUnknown
from app.engine.calls.call import Call


def known(call: Call, key: str) -> Any | None:
    """Its record of the call, or None if it has none. Raises OutcomeUnknown where the record is of something else."""
    params, code = restore(call.params), call.code
    value = code.reconcile(key, params)  # type: ignore[union-attr]
    check = getattr(code, "check", None)
    if value is not None and check is not None:
        try:
            check(key, params, value)
        except Contradicted as problem:
            raise OutcomeUnknown(str(problem), call_seq=call.seq) from problem
    return value
