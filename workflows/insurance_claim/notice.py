"""The notice of loss: from `claim.json` if there was one, else read from the claim form. What was stated first stands."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.insurance.reading.extraction import DocumentFacts, Extracted
from workflows.insurance_claim.facts import Notice, StatedDate
from workflows.insurance_claim.models import ClaimFile


def take_over(data: ClaimFile) -> None:
    """What the notice says fills what the claim file does not know."""
    said = data.notice
    if said is None:
        return
    data.policy_number = data.policy_number or said.policy_number
    data.claimant = data.claimant or (said.claimant or "").strip() or None
    data.date_of_loss = data.date_of_loss or said.date_of_loss
    data.amount_claimed = data.amount_claimed if data.amount_claimed is not None else said.amount_claimed
    data.currency = data.currency or said.currency


def fill_from_forms(data: ClaimFile) -> None:
    """Without a notice, the claim form is the notice; with one, the form fills only its gaps."""
    form = next((facts for facts in data.extractions if facts.kind == "claim_form"), None)
    if form is None:
        return
    ref = data.document(form.document_id)
    if data.notice is None:
        data.notice = read_notice(form, ref.filename if ref else "form")
    else:
        read = read_notice(form, data.notice.source)
        gaps = {name: value for name, value in read.model_dump().items() if value and not getattr(data.notice, name)}
        data.notice = Notice.model_validate(data.notice.model_dump() | gaps)
    take_over(data)


def adopt_what_all_say(data: ClaimFile) -> None:
    """What nobody stated with the notice, and every document that names it names alike."""
    data.policy_number = data.policy_number or _agreed(data, "policy_number")
    data.claimant = data.claimant or _agreed(data, "claimant", "insured")
    if data.number_is_provisional and (number := _agreed(data, "claim_number")):
        data.claim_number, data.number_is_provisional = number, False


def _agreed(data: ClaimFile, *names: str) -> str | None:
    stated = {
        str(facts.fields[n].value)
        for facts in data.extractions
        for n in names
        if n in facts.fields and facts.fields[n].value
    }
    return stated.pop() if len(stated) == 1 else None


def read_notice(form: DocumentFacts, source: str) -> Notice:
    """The claim form's fields as a notice; what it does not state with certainty stays open."""
    fields = form.fields

    def text(*names: str) -> str | None:
        return next((str(fields[n].value) for n in names if n in fields and isinstance(fields[n].value, str)), None)

    damage = fields["damage"].value if "damage" in fields else None
    amount = text("amount_claimed")
    return Notice(
        source=source,
        claimant=text("claimant", "insured"),
        policy_number=text("policy_number"),
        date_of_loss=_date(fields.get("date_of_loss")),
        place=text("place"),
        description=text("description"),
        damage=list(damage) if isinstance(damage, list) else [],
        vin=text("vin"),
        amount_claimed=Decimal(amount) if amount else None,
        currency=text("currency"),
        police_report_number=text("police_report_number"),
    )


def _date(stated: Extracted | None) -> StatedDate | None:
    if stated is None:
        return None
    value = date.fromisoformat(stated.value) if isinstance(stated.value, str) else None
    return StatedDate(raw=stated.raw, value=value)
