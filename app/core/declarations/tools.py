"""How a tool is declared. The law: a tool says what becomes of an unknown outcome, or it is refused at import.

A declaration is data; the code that acts stands in a connector, and the application's `tools` bind it to the name. A tool
that changes the world declares exactly one of: `idempotent_for` (it honours an idempotency key for that long),
`reconciles` (it can be asked honestly whether a key was served) or `ask_a_person`. One that only reads says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from app.core.errors import InvalidDefinition
from app.core.values.durations import seconds


@dataclass(frozen=True, slots=True)
class Tool:
    """A declared tool. Durations are written as in a workflow ("10s", "24h").

    name: how the implementation is found, such as "payments.pay".
    reads_only: it has no effect on the world and may be asked again at any time.
    idempotent_for: how long the downstream honours an idempotency key.
    reconciles: its implementation has an honest `reconcile(key, params)`: what that key did, or that it did nothing.
    ask_a_person: an unknown outcome goes to a person.
    irreversible: a cancel is refused once its intent stands, and its intent needs an approved action.
    downstream: whose rate, concurrency and breaker it is called under, such as "payments"; None: nobody's.
    timeout: longest a call may take. settle: how long after that "not found" is still not believed.
    about, takes: what it is for and its parameters, as a model is told; needed only where a prompt offers the tool.
    """

    name: str
    reads_only: bool = False
    idempotent_for: str | None = None
    reconciles: bool = False
    ask_a_person: bool = False
    irreversible: bool = False
    timeout: str = "30s"
    settle: str = "5s"
    about: str = ""
    takes: type[BaseModel] | None = None
    downstream: str | None = None

    def __post_init__(self) -> None:
        if self.reads_only and (self.irreversible or self.idempotent_for or self.ask_a_person):
            raise InvalidDefinition(f"tool {self.name}: it cannot both only read and have an effect")
        if not (self.reads_only or self.idempotent_for or self.reconciles or self.ask_a_person):
            raise InvalidDefinition(
                f"tool {self.name} does not say what becomes of an unknown outcome; "
                "declare reads_only, idempotent_for='24h', reconciles=True or ask_a_person=True"
            )
        for text in (self.timeout, self.settle, *filter(None, [self.idempotent_for])):
            seconds(text)

    @property
    def timeout_seconds(self) -> float:
        return seconds(self.timeout)

    @property
    def settle_seconds(self) -> float:
        return seconds(self.settle)

    @property
    def key_valid_seconds(self) -> float | None:
        """How long the downstream honours a key, or None if it does not."""
        return seconds(self.idempotent_for) if self.idempotent_for else None

    @property
    def has_effect(self) -> bool:
        return not self.reads_only
