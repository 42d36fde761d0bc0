"""What is wrong with a case: each function changes one thing that a careful reader of the papers must find."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from app.insurance.demo.samples.casefile import line, price, with_subtotal
from app.insurance.demo.samples.model import CalendarDay, CaseFile
from app.insurance.demo.samples.vin import make_vin, spoil
from app.insurance.demo.samples.vocabulary import NAMES, PART_NOBODY_DAMAGED

_OVERSTATED: Final = Decimal("300.00")
_SLIP: Final = Decimal("90.00")
_RECENT: Final = timedelta(days=12)


def honest(case: CaseFile, rng: Random) -> CaseFile:
    """Nothing is wrong."""
    del rng
    return case


def shop_knew_no_claim_number(case: CaseFile, rng: Random) -> CaseFile:
    """The shop billed before the claim had a number: nothing on its paper says whose claim it is for. Nothing is wrong."""
    del rng
    return replace(case, bill=replace(case.bill, claim=""))


def police_saw_another_day(case: CaseFile, rng: Random) -> CaseFile:
    """The police report dates the loss two to five days before the claim form does."""
    loss = _real(case.form.date_of_loss) - timedelta(days=rng.randint(2, 5))
    filed = CalendarDay.of(loss + timedelta(days=1))
    return replace(case, police=replace(case.police, date_of_loss=CalendarDay.of(loss), filed=filed))


def thirty_first_of_february(case: CaseFile, rng: Random) -> CaseFile:
    """The claim form gives 31 February for a loss the police dates to the 28th."""
    del rng
    loss = date(case.today.year, 2, 28)
    if loss > case.today - _RECENT:
        loss = loss.replace(year=loss.year - 1)
    moved = _moved(case, loss)
    return replace(moved, form=replace(moved.form, date_of_loss=CalendarDay(loss.year, 2, 31)))


def not_yet_happened(case: CaseFile, rng: Random) -> CaseFile:
    """All papers agree on a loss that lies in the future."""
    return _moved(case, case.today + timedelta(days=rng.randint(15, 25)))


def policy_had_ended(case: CaseFile, rng: Random) -> CaseFile:
    """The policy ended some weeks before the loss."""
    ended = _real(case.form.date_of_loss) - timedelta(days=rng.randint(20, 40))
    return replace(case, policy=replace(case.policy, valid_from=ended - timedelta(days=364), valid_to=ended))


def subtotal_overstated(case: CaseFile, rng: Random) -> CaseFile:
    """The printed subtotal is more than the lines give; tax, total and the claim follow it."""
    del rng
    bill = with_subtotal(case.bill, case.bill.subtotal + _OVERSTATED)
    return replace(case, bill=bill, form=replace(case.form, amount_claimed=bill.total))


def total_slipped(case: CaseFile, rng: Random) -> CaseFile:
    """The printed total is more than subtotal and tax; the claim follows it. And the police saw another day."""
    bill = replace(case.bill, total=case.bill.total + _SLIP)
    slipped = replace(case, bill=bill, form=replace(case.form, amount_claimed=bill.total))
    return police_saw_another_day(slipped, rng)


def part_nobody_damaged(case: CaseFile, rng: Random) -> CaseFile:
    """The shop bills a part that is in nobody's damage list, so its total is not what was claimed."""
    extra = line("Replace", PART_NOBODY_DAMAGED, Decimal("2.5"), case.bill.shop, Decimal(rng.randint(420, 690)))
    return replace(case, bill=price(replace(case.bill, lines=(*case.bill.lines, extra))))


def vin_miswritten(case: CaseFile, rng: Random) -> CaseFile:
    """One and the same VIN everywhere, the insurer's own records included, with a wrong check digit."""
    del rng
    vehicle = replace(case.policy.vehicle, vin=spoil(case.policy.vehicle.vin))
    return replace(
        case,
        policy=replace(case.policy, vehicle=vehicle),
        form=replace(case.form, vehicle=vehicle),
        police=replace(case.police, vehicle=vehicle),
        bill=replace(case.bill, vehicle=vehicle),
    )


def somebody_elses_car(case: CaseFile, rng: Random) -> CaseFile:
    """The police report names another owner and another VIN (a valid one) than form, bill and policy."""
    owner = rng.choice([name for name in NAMES if name != case.policy.insured])
    vehicle = replace(case.police.vehicle, vin=make_vin(rng, "3ZR", case.police.vehicle.year))
    return replace(case, police=replace(case.police, owner=owner, vehicle=vehicle))


def _moved(case: CaseFile, loss: date) -> CaseFile:
    """The whole case, policy period included, shifted so that the loss falls on another day."""
    shift = loss - _real(case.form.date_of_loss)

    def moved(day: CalendarDay) -> CalendarDay:
        return CalendarDay.of(_real(day) + shift)

    form, police, policy = case.form, case.police, case.policy
    return replace(
        case,
        policy=replace(policy, valid_from=policy.valid_from + shift, valid_to=policy.valid_to + shift),
        form=replace(form, date_of_loss=moved(form.date_of_loss), reported=moved(form.reported)),
        police=replace(police, date_of_loss=moved(police.date_of_loss), filed=moved(police.filed)),
        bill=replace(case.bill, day=moved(case.bill.day)),
    )


def _real(day: CalendarDay) -> date:
    return date(*day)
