"""What is known of a claim before anybody judges it: the notice of loss, and the policy as the insurer keeps it."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.insurance.reading.extraction import Money


class Part(BaseModel):
    """A part of the claim file: immutable, strict about its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StatedDate(Part):
    """A date as somebody stated it; `value` is None when it names no day, or not a single one (03/04/2026)."""

    raw: str
    value: date | None = None


class Notice(Part):
    """The first notice of loss; `source` says what it came by: 'claim.json', 'form', 'api', or a file name."""

    source: str
    claimant: str | None = None
    contact: str | None = None
    policy_number: str | None = None
    date_of_loss: StatedDate | None = None
    place: str | None = None
    description: str | None = None
    damage: list[str] = Field(default_factory=list)
    vin: str | None = None
    amount_claimed: Money | None = None
    currency: str | None = None
    police_report_number: str | None = None
    received_at: AwareDatetime | None = None


class Vehicle(Part):
    """A vehicle on a policy."""

    vin: str | None = None
    plate: str | None = None
    make: str | None = None
    model: str | None = None
    year: int | None = None


class Coverage(Part):
    """One coverage of a policy; `limit` None: unlimited."""

    code: str
    name: str
    limit: Money | None = None
    deductible: Money | None = None


class Provision(Part):
    """A passage of the policy that a decision can cite."""

    id: str
    title: str
    text: str


class PolicyRecord(Part):
    """The policy as the company's own database has it; `period_end` is the last day covered."""

    policy_number: str
    named_insured: str
    drivers: list[str] = Field(default_factory=list)
    period_start: date
    period_end: date
    currency: str = "USD"
    status: str = "active"
    vehicles: list[Vehicle] = Field(default_factory=list)
    coverages: list[Coverage] = Field(default_factory=list)
    provisions: list[Provision] = Field(default_factory=list)
