"""What schemathesis is told of the desk before it asks: made-up ids find nothing, so half of the valid requests name what is there.

Loaded by schemathesis itself (SCHEMATHESIS_HOOKS), in its own process. Invalid requests stay as they were made.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import schemathesis


@schemathesis.hook  # type: ignore[untyped-decorator]  # it is installed apart
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Put a real id in place of a made-up one."""
    if case.meta is None or not case.meta.generation.mode.is_positive or not case.path_parameters:
        return
    known: dict[str, list[str]] = json.loads(os.environ["FUZZ_KNOWN"])
    number = zlib.crc32(repr((case.path_parameters, case.body, case.query)).encode("utf-8", "surrogatepass"))
    if number % 2:
        for name, ids in known.items():
            if name in case.path_parameters:
                case.path_parameters[name] = ids[number // 2 % len(ids)]
