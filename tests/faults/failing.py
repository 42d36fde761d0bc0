"""A thousand runs fail at once for one reason, beside runs that are well."""

from __future__ import annotations

import time

from app import client
from tests.faults.fault import FEW, Fault
from tests.faults.scene import NEARLY, Scene
from tests.faults.workload import ASKING, DOWN
from tests.support.bells import first_bell

COUNT = 1_000
LONGEST_SECONDS = 5.0


def _fail(scene: Scene) -> None:
    """They fail, each with its own triage task; what was down comes back, and the sweep's late retries end all of them."""
    before = scene.rate(time.time() - 8, time.time())
    down = scene.stack.faults.folder / DOWN
    down.touch()
    began = time.time()
    with scene.witness.connect() as db:
        for n in range(COUNT):
            with db.transaction():
                run_id = client.start(db, ASKING, subject=f"failing {n}", data={}, key=f"failing {n}").run_id
            scene.load.accepted.append(run_id)
            scene.stack.bells.ring([first_bell(ASKING, run_id)])
    query = "SELECT count(*) AS n FROM runs WHERE workflow = 'asking' AND status = 'FAILED_RETRIABLE'"
    scene.until(lambda: scene.witness.all(query)[0]["n"] == COUNT, "all to fail", 300)
    scene.tell(f"{COUNT} runs failed {time.time() - began:.1f} s after the first was started")
    during = scene.rate(began, time.time())
    scene.expect("runs that are well go on meanwhile", during >= NEARLY * before)
    triage = scene.witness.all("SELECT count(*) AS n FROM human_tasks WHERE kind = 'triage' AND status = 'OPEN'")
    alerts = scene.witness.all(
        "SELECT count(*) AS n FROM alerts WHERE resolved_at IS NULL AND rule = 'failed_retriable'"
    )
    scene.tell(f"{triage[0]['n']} triage tasks and {alerts[0]['n']} alerts open")
    scene.expect("each has its own triage task", triage[0]["n"] == COUNT)
    scene.witness.longest_transaction = 0.0
    down.unlink()
    back = time.time()
    scene.until(lambda: not scene.witness.all(query.replace("count(*) AS n", "1")), "all to be retried", 300)
    scene.tell(f"all were retried {time.time() - back:.1f} s after their reason was gone")
    longest = scene.witness.longest_transaction
    scene.expect(f"no transaction of a retry is open for {LONGEST_SECONDS:.0f} s", longest < LONGEST_SECONDS)


FAULTS = (
    Fault(
        name="failing-1000",
        says=f"{COUNT} runs fail at once for one reason, and are retried when it is gone",
        inflict=_fail,
        runs=FEW,
        may_fail=("asking",),
        settings={"LATE_RETRY_SECONDS": "60"},
    ),
)
