"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.scene import Scene

FEW, MANY = 8, 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Fault:
    """A fault by name.

    says: what it does, for the report. inflict: does it, and returns when it is healed.
    runs: how many are in flight; MANY are more than the workers have threads for.
    crashes: processes die of it, so that a crash may be counted. seems_dead: a host is cut off for so long that nobody
    can tell it from a dead one: a run that was alone there counts one crash, not a second.
    small_disk: the database lies on a small file system.
    may_fail: the workflows whose runs fail on purpose. host_clocks: whether the notes of the workers are dated rightly.
    """

    name: str
    says: str
    inflict: Callable[[Scene], None]
    runs: int = FEW
    hosts: int = 3
    crashes: bool = False
    seems_dead: bool = False
    small_disk: bool = False
    may_fail: tuple[str, ...] = ()
    host_clocks: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
