"""The clocks: the database's steps back or forward, a worker host's is wrong."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.faults.fault import MANY, Fault
from tests.faults.scene import Scene
from tests.support.clock import later

REASSIGNED_SECONDS = 30.0


def _step(by: timedelta, scene: Scene) -> None:
    """The clock stays where it stepped to; a worker is killed and every bell lost afterwards, so that sweeps are needed."""
    with scene.witness.connect() as db:
        db.execute(later(by))
    scene.hold(10)
    killed = scene.places[0].program
    pids, at = killed.pids, time.time()
    killed.kill()
    scene.stack.bells.flush()
    query = """SELECT 1 FROM runs r JOIN workers w ON w.id = r.worker_id WHERE w.pid = ANY(%s) LIMIT 1"""
    while scene.witness.all(query, pids) and time.time() - at < 3 * REASSIGNED_SECONDS:
        scene.hold(0.5)
    took = time.time() - at
    found = not scene.witness.all(query, pids)
    scene.tell(
        f"a worker killed 10 s after the step: its runs were {'' if found else 'not '}taken from it within {took:.1f} s"
    )
    scene.expect(f"a killed worker is found within {REASSIGNED_SECONDS:.0f} s", found and took <= REASSIGNED_SECONDS)


def _back(scene: Scene) -> None:
    _step(timedelta(hours=-1), scene)


def _forward(scene: Scene) -> None:
    _step(timedelta(days=1), scene)


def _host(scene: Scene) -> None:
    """Its messages expire by its own clock; the sweeps cover it."""
    wrong = [scene.place(test_clock_ahead=600), scene.place(test_clock_ahead=-600)]
    scene.until_registered(*wrong)
    scene.hold(60)


FAULTS = (
    Fault(
        name="clock-back",
        says="the database's clock steps back one hour and stays; then a worker is killed and Redis emptied",
        inflict=_back,
        runs=MANY,
        crashes=True,
    ),
    Fault(
        name="clock-forward",
        says="the database's clock steps forward one day and stays; then a worker is killed and Redis emptied",
        inflict=_forward,
        runs=MANY,
        crashes=True,
    ),
    Fault(
        name="clock-host",
        says="two worker hosts join whose clocks are ten minutes ahead and behind",
        inflict=_host,
        runs=MANY,
        hosts=2,
        host_clocks=False,
    ),
)
