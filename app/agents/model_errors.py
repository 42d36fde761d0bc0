"""What goes wrong between us and a model, in the words of the engine.

The law: the provider's libraries try nothing twice, so every failure arrives here once and takes one path: patience
(the provider asked for it), another attempt, or an end that another attempt cannot help. What was refused, at the door
or by an error of the server's own, was not done and used nothing; of what was sent and not answered nobody knows.
"""

from __future__ import annotations

import json

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    UnexpectedModelBehavior,
)

from app.core.errors import NeedsPerson, NotDone, SchemaFailure, StepError, Throttled, Transient

_PATIENCE = (429, 503, 529)
_SETTINGS = (401, 403)
_NEVER_CONNECTED = (
    "ConnectError",
    "ConnectTimeout",
)  # by name: the two libraries bring two generations of one HTTP client


def in_our_words(problem: BaseException, provider: str) -> StepError:
    """The error of a request, as the engine knows it."""
    match problem:
        case StepError():
            return problem
        case ModelHTTPError() if _too_long(problem):
            return NeedsPerson(
                f"{provider} was given more than it can read at once.",
                "the request is longer than its context window; a person reads it, or a model with a larger one is named",
            )
        case ModelHTTPError():
            return _of_status(problem, provider)
        case ContentFilterError():
            return NeedsPerson(f"{provider} gave no answer.", f"its content filter refused: {problem.message}")
        case TimeoutError():
            return Transient(f"{provider} did not answer in time")
        case ModelAPIError() if _never_connected(problem):
            return NotDone(f"{provider} could not be reached: {problem}")
        case ModelAPIError():  # the connection broke, or time was up, after the request was sent
            return Transient(f"{provider} was asked and did not answer: {problem}")
        case UnexpectedModelBehavior() | json.JSONDecodeError() | UnicodeDecodeError():
            return SchemaFailure(f"{provider} sent what is no answer of its own protocol: {problem}"[:2000])
        case _:
            return Transient(f"{provider}: {type(problem).__name__}: {problem}"[:2000])


def _of_status(problem: ModelHTTPError, provider: str) -> StepError:
    status, after = problem.status_code, _retry_after(problem)
    said = f"{provider} answered {status}: {problem}"[:2000]
    if status == 429 or (status in _PATIENCE and after is not None):
        return Throttled(said, retry_after_seconds=after)
    if status in _SETTINGS:
        return NotDone(
            f"{said}. Its key is not accepted: check LONGHAUL_{provider.split(':', maxsplit=1)[0].upper()}_API_KEY"
        )
    return NotDone(said, retry=status in (408, 409, 425) or status >= 500)


def _never_connected(problem: BaseException) -> bool:
    """Whether an error goes back to a connection that was never made."""
    cause: BaseException | None = problem
    while cause is not None and type(cause).__name__ not in _NEVER_CONNECTED:
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _too_long(problem: ModelHTTPError) -> bool:
    """Whether a request was refused for its length; servers of open models say so in words of their own."""
    if isinstance(problem, ModelContextWindowExceededError):
        return True
    said = str(problem.body).lower()
    return problem.status_code in (400, 413) and "context" in said and "exceed" in said


def _retry_after(problem: ModelHTTPError) -> float | None:
    """Seconds the provider asked us to wait, if it said so in seconds (a date is as good as silence)."""
    if problem.retry_after is not None:
        return max(0.0, float(problem.retry_after))
    try:
        return max(0.0, float((problem.headers or {})["retry-after"]))
    except (KeyError, ValueError):
        return None
