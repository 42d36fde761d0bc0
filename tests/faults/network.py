"""The network drops packets between workers and Postgres, and a host loses its power without a good-bye."""

from __future__ import annotations

import signal
import time
from functools import partial

from tests.faults.fault import FEW, MANY, Fault
from tests.faults.hosts import Direction
from tests.faults.scene import Place, Scene

OUTAGES_SECONDS = (10, 60, 150, 240)
NOTICED_SECONDS = 30.0


def _cut(direction: Direction, seconds: float, everywhere: bool, scene: Scene) -> None:
    cut = scene.places if everywhere else scene.places[:1]
    for place in cut:
        place.host.cut(direction)
    scene.hold(scene.lasting(seconds))
    for place in cut:
        place.host.heal()


def _lose_power(scene: Scene) -> None:
    lost = scene.places.pop(0)
    pids = _pids(scene, lost)
    held = scene.witness.all("SELECT r.id FROM runs r JOIN workers w ON w.id = r.worker_id WHERE w.pid = ANY(%s)", pids)
    lost.program.kept = False
    lost.host.lose_power()
    at = time.time()
    lost.program.process.send(signal.SIGKILL)
    replacement = scene.place()
    query = "SELECT 1 FROM runs r JOIN workers w ON w.id = r.worker_id WHERE w.pid = ANY(%s) LIMIT 1"
    scene.until(lambda: not scene.witness.all(query, pids), "the lost host's runs to be taken from it", 300)
    took = time.time() - at
    scene.until_registered(replacement)
    scene.tell(
        f"{len(held)} runs taken from the lost host {took:.1f} s after its power went (goal: {NOTICED_SECONDS:.0f} s)"
    )
    scene.expect(f"the lost host's runs go on within {NOTICED_SECONDS:.0f} s", took <= NOTICED_SECONDS)


def _pids(scene: Scene, place: Place) -> list[int]:
    return [row["pid"] for row in scene.witness.all("SELECT pid FROM workers WHERE pid = ANY(%s)", place.program.pids)]


_WAYS: dict[Direction, str] = {
    "both": "packets between {whose} and Postgres are dropped both ways",
    "answers": "packets from Postgres to {whose} are dropped, those to it are not",
    "requests": "packets from {whose} to Postgres are dropped, those from it are not",
}

FAULTS = (
    *(
        Fault(
            name=f"network-{direction}-{seconds}s-{'all' if everywhere else 'one'}-{'many' if runs == MANY else 'few'}",
            says=_WAYS[direction].format(whose="all worker hosts" if everywhere else "one worker host")
            + f" for {seconds} s",
            inflict=partial(_cut, direction, seconds, everywhere),
            runs=runs,
            seems_dead=seconds > NOTICED_SECONDS,
        )
        for direction in _WAYS
        for seconds in OUTAGES_SECONDS
        for everywhere in (False, True)
        for runs in (FEW, MANY)
    ),
    *(
        Fault(
            name=f"power-{'many' if runs == MANY else 'few'}",
            says="one worker host loses its power, another takes its place",
            inflict=_lose_power,
            runs=runs,
            crashes=True,
        )
        for runs in (FEW, MANY)
    ),
)
