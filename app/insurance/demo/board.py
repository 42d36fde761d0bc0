"""What the demo shows: where each claim stands, why, and whether that is where it should stand."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from app.core.errors import NotFound
from app.core.lifecycle import Status
from app.engine.runtime import Runtime
from app.insurance.demo.samples import SampleClaim
from app.insurance.demo.staff import PEOPLE
from app.stack.status import StackStatus
from app.store.database import Connection
from app.store.reads import alert_list, trace
from app.store.runs import runs


@dataclass(frozen=True, slots=True)
class Standing:
    """One claim: where it stands and where it should; `moved_by`: the person who moved it on from where the demo leaves it."""

    claim: SampleClaim
    run_id: UUID
    subject: str
    state: str
    status: str
    reason: str
    findings: frozenset[str]
    alerts: frozenset[str] = frozenset()
    moved_by: str = ""

    @property
    def right(self) -> bool:
        """Where it should be, with the findings it should have, or where a person took it."""
        return bool(self.moved_by) or self.as_expected

    @property
    def as_expected(self) -> bool:
        """Where the demo leaves it, with the findings and the alerts it should have."""
        stands = self.state == self.claim.expected_end and self.findings == frozenset(self.claim.expected_findings)
        return stands and self.claim.expected_alerts <= self.alerts


def standings(rt: Runtime, claims: Mapping[UUID, SampleClaim]) -> list[Standing]:
    """Where every claim stands now."""
    return rt.database.transact(lambda db: [_standing(db, run_id, claim) for run_id, claim in claims.items()])


def _standing(db: Connection, run_id: UUID, claim: SampleClaim) -> Standing:
    run = runs.read(db, run_id)
    if run is None:
        raise NotFound(f"the run {run_id} of {claim.claim} is gone")
    data = runs.data_of(db, run.id) or {}
    codes = frozenset(finding["code"] for finding in data.get("findings", []))
    alerts = frozenset(alert.rule for alert in alert_list.of_run(db, run_id) if alert.resolved_at is None)
    found = Standing(claim, run.id, run.subject, run.state, run.status.value, run.waiting_reason or "", codes, alerts)
    return found if found.as_expected else replace(found, moved_by=_person(db, run_id))


def _person(db: Connection, run_id: UUID) -> str:
    """The last person, automata aside, who answered, sent or did something to the run; empty if nobody did."""
    automata = {f"person:{p.username}" for p in PEOPLE if p.automaton}
    actors = [entry.actor for entry in trace.of_run(db, run_id) if entry.actor]
    people = [actor for actor in actors if actor.startswith("person:") and actor not in automata]
    return people[-1].removeprefix("person:") if people else ""


def progress(found: Sequence[Standing]) -> RenderableType:
    """One line per state while the claims move."""
    table = Table(title="Claims on their way", title_justify="left", box=None)
    table.add_column("state")
    table.add_column("claims", justify="right")
    for state, count in sorted(Counter(s.state for s in found).items()):
        table.add_row(state, str(count))
    return table


def table(found: Sequence[Standing], status: StackStatus) -> RenderableType:
    """Where every claim stands and why."""
    rows = Table(title="Where every claim stands", title_justify="left", padding=(0, 1))
    for name in ("", "claim", "what is special", "stands in"):
        rows.add_column(name, no_wrap=True)
    rows.add_column("why", overflow="fold", ratio=1)
    for s in found:
        mark = Text("✓", "green") if s.right else Text("✗", "red")
        rows.add_row(mark, s.subject, s.claim.scenario.replace("_", " "), s.state, _why(s))
    return rows


def _why(s: Standing) -> Text:
    """The findings, or what it waits for, or how it ended; and what should have been."""
    said = s.reason if s.status == Status.WAITING_FOR_EVENT else ", ".join(sorted(s.findings)) or s.claim.why
    text = Text(said)
    if s.moved_by:
        text.append(f"  (moved on by {s.moved_by}; the demo left it in {s.claim.expected_end})")
    elif not s.right:
        text.append(f"  should be {s.claim.expected_end}: {_missing(s)}", "red")
    return text


def _missing(s: Standing) -> str:
    wanted = frozenset(s.claim.expected_findings)
    return ", ".join(
        [
            *(f"no {c}" for c in sorted(wanted - s.findings)),
            *(f"unexpected {c}" for c in sorted(s.findings - wanted)),
            *(f"no alert {rule} yet" for rule in sorted(s.claim.expected_alerts - s.alerts)),
        ]
    )


def where_to_look(status: StackStatus, found: Sequence[Standing], links: Mapping[str, str]) -> RenderableType:
    """The addresses and commands worth trying. links: the path that lets somebody in once, by their name."""
    urls = status.urls
    one = next((s for s in found if s.status == Status.WAITING_FOR_HUMAN), found[0])
    lines = [
        *(
            []
            if shutil.which("longhaul")
            else ["First       . .venv/bin/activate    (in another terminal, in this folder)"]
        ),
        "Each of these lets one of the demo people in, once; `longhaul people link NAME` prints another:",
        *(f"  {name:<32} {urls.web}{path}" for name, path in links.items()),
        f"Run pages   {urls.web}/runs/{one.run_id}",
        f"Flower      {urls.flower}    (as operator, auditor or admin)",
        "",
        f"longhaul runs · longhaul explain {one.subject} · longhaul show {one.subject} · longhaul trace {one.subject}",
        "longhaul tasks · longhaul verify " + one.subject + " · longhaul doctor · longhaul status",
    ]
    return Group(Panel("\n".join(lines), title="Where to look", title_align="left"))
