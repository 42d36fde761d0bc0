"""What the embedded stack is seeded with: the insurer's stand-in database, and the people who may sign in.

    python -m app.insurance.demo.seed

does the same to the configured database. Seeded once and continued: the day the samples are dated from is kept in the data
folder, so that a demo started again weeks later finds the same claims.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from app.accounts import people
from app.accounts.people import Person
from app.insurance.connectors import insurer
from app.insurance.connectors.insurer import EarlierClaim, InsuredPolicy
from app.insurance.demo.samples import Policy, policies
from app.insurance.demo.staff import PEOPLE
from app.settings import settings
from app.store.database import Database

PROVISIONS = (
    {
        "id": "1.2",
        "title": "Period of cover",
        "text": "We cover loss that occurs between the first and the last day of the policy period.",
    },
    {
        "id": "3.1",
        "title": "Collision",
        "text": "We pay for damage to the insured vehicle by collision, less the deductible.",
    },
    {"id": "5.4", "title": "Your duties", "text": "You send us the documents we ask for and answer truthfully."},
)


def prepare(database_url: str, data_dir: Path) -> None:
    """Install the insurer's schema, and seed it and the people where there are none yet."""
    insurer.install(database_url)
    day = sample_day(data_dir)
    known = [insured(policy) for policy in policies(day)]
    insurer.seed(database_url, known)
    insurer.seed_earlier(database_url, [_earlier(policy, day) for policy in known[::2]])
    database = Database(database_url, "owner", size=1)
    with database.transaction() as db:
        for p in PEOPLE:
            people.enrol(db, Person(p.username, p.display_name, p.roles, p.authority))
    database.close()


def sample_day(data_dir: Path) -> date:
    """The day the samples of this data folder are dated from: today, the first time."""
    note = data_dir / "samples.day"
    if not note.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        note.write_text(datetime.now(UTC).date().isoformat())
    return date.fromisoformat(note.read_text().strip())


def insured(policy: Policy) -> InsuredPolicy:
    """The row of the insurer's database for a sample policy."""
    vehicle = policy.vehicle
    return InsuredPolicy(
        policy_number=policy.number,
        named_insured=policy.insured,
        period_start=policy.valid_from,
        period_end=policy.valid_to,
        payee=policy.payee_name,
        payee_account=policy.payee_account,
        provisions=PROVISIONS,
        vehicles=[
            {
                "vin": vehicle.vin,
                "make": vehicle.make,
                "model": vehicle.model,
                "year": vehicle.year,
                "plate": vehicle.plate,
            }
        ],
        coverages=[
            {"code": c.code, "name": c.code.replace("_", " ").title(), "limit": c.limit, "deductible": c.deductible}
            for c in policy.coverages
        ],
    )


def _earlier(policy: InsuredPolicy, day: date) -> EarlierClaim:
    """Every second policy has a claim of two years ago."""
    loss = day - timedelta(days=730)
    paid = [("COLLISION", loss + timedelta(days=30), Decimal("640.00"), policy.currency)]
    number = f"OLD-{''.join(filter(str.isalnum, policy.policy_number))[-6:]}"
    return EarlierClaim(
        policy_number=policy.policy_number,
        claim_number=number,
        date_of_loss=loss,
        status="closed",
        about="a parked car was scratched",
        paid=paid,
    )


def main() -> int:
    """Seed the configured database; 1 with one line of reason where none is configured."""
    config = settings()
    if not config.database_url:
        sys.stderr.write("longhaul: set LONGHAUL_DATABASE_URL to the database that is to be seeded.\n")
        return 1
    prepare(config.database_url, config.data_dir)
    sys.stdout.write(f"{len(PEOPLE)} demo people may sign in; the insurer's stand-in database has its policies\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
