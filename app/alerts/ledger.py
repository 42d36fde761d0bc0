"""Opening and resolving alerts. The law: each opening and each resolving is one row changed and one log line, once."""

from __future__ import annotations

from collections.abc import Iterable

from app.store.database import Database
from app.store.records import alerts
from app.store.records.alerts import Alert, Standing
from app.telemetry import logs


def settle(database: Database, wanted: Iterable[Alert], standing: Iterable[Standing]) -> dict[str, int]:
    """Open what holds and is not open, resolve what is open and no longer holds; how many of each.

    `standing` is what the caller judged: an alert it did not look at is left alone.
    """
    holds = set(wanted)
    found = list(standing)
    new = sorted(holds - {row.alert for row in found}, key=lambda alert: (alert.rule, alert.subject))
    over = [row for row in found if row.alert not in holds]
    if not new and not over:
        return {"opened": 0, "resolved": 0}
    opened, resolved = database.transact(lambda db: (alerts.open_all(db, new), alerts.resolve_all(db, over)))
    for alert in opened:
        _say(alert, "opened")
    for alert in resolved:
        _say(alert, "resolved")
    return {"opened": len(opened), "resolved": len(resolved)}


def _say(alert: Alert, what: str) -> None:
    logs.alert(what, rule=alert.rule, subject=alert.subject, run_id=alert.run_id, message=alert.message)
