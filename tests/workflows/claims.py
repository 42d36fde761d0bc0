"""A claim that is in order, to be put out of order one thing at a time; all of it invented."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from app.insurance.reading.extraction import DocumentFacts, DocumentKind, Doubt, Extracted, LineItem
from workflows.insurance_claim.checks import check_claim
from workflows.insurance_claim.facts import Coverage, Notice, PolicyRecord, Provision, StatedDate, Vehicle
from workflows.insurance_claim.models import ClaimFile2, DocumentRef, Finding

TODAY = date(2031, 5, 20)
VIN = "1M8GDM9AXKP042788"

WRITTEN = {"sha256": "ab" * 32, "filename": "letter.pdf", "text": "Dear Nora Quill,"}
"""What writing a letter answers."""

ANSWERS = {
    "documents.elsewhere": {"subjects": [], "of": 0},
    "claims.same_loss": {"claims": [], "of": 0, "paid": [], "alike": []},
    "letters.write": WRITTEN,
    "letters.send": {"letter_id": "let_1"},
    "letters.send_decision": {"letter_id": "let_1"},
}
"""What a claim's tools answer where nothing of it is known elsewhere."""

POLICY = PolicyRecord(
    policy_number="NW-2031-00417",
    named_insured="Nora Quill",
    drivers=["Nora Quill", "Ines Maldow"],
    period_start=date(2031, 1, 1),
    period_end=date(2031, 12, 31),
    vehicles=[Vehicle(vin=VIN, plate="KX27 QRT", make="Alder", model="Brisa", year=2027)],
    coverages=[Coverage(code="COL", name="Collision", limit=Decimal(50000), deductible=Decimal(500))],
    provisions=[Provision(id="4.2", title="Wear and tear", text="We do not pay for wear.")],
)


def fact(value: str | list[str] | None, **more: object) -> Extracted:
    """A fact on page 1 that quotes itself."""
    raw = ", ".join(value) if isinstance(value, list) else value or "?"
    return Extracted.model_validate({"value": value, "raw": raw, "page": 1, "quote": raw, "confidence": 0.95, **more})


def line(
    description: str, amount: str, *, kind: str = "part", quantity: str | None = None, unit: str | None = None
) -> LineItem:
    """A billed line on page 1."""
    return LineItem.model_validate(
        {
            "description": description,
            "kind": kind,
            "quantity": quantity,
            "unit_price": unit,
            "amount": amount,
            "page": 1,
            "quote": f"{description} {amount}",
        }
    )


def facts(
    document_id: str, kind: DocumentKind, fields: dict[str, Extracted], lines: list[LineItem] | None = None
) -> DocumentFacts:
    """The facts of one document, its kind beyond doubt."""
    return DocumentFacts(document_id=document_id, kind=kind, kind_confidence=0.95, fields=fields, lines=lines or [])


def ref(document_id: str, **more: object) -> DocumentRef:
    """A document that was read; its hash is made of its id."""
    told = {"id": document_id, "sha256": document_id * 8, "filename": f"{document_id}.pdf", "status": "read", **more}
    return DocumentRef.model_validate(told)


FORM = {
    "claim_number": fact("CLM-88214"),
    "policy_number": fact("NW-2031-00417"),
    "claimant": fact("Nora Quill"),
    "date_of_loss": fact("2031-05-12"),
    "vin": fact(VIN),
    "damage": fact(["Rear bumper", "left tail lamp"]),
    "amount_claimed": fact("1728.00"),
    "currency": fact("USD"),
}
REPORT = {
    "police_report_number": fact("PR-55-1182"),
    "claimant": fact("QUILL, N."),
    "date_of_loss": fact("2031-05-12"),
    "vin": fact(VIN),
}
BILL = {
    "invoice_number": fact("E-2201"),
    "claim_number": fact("clm 88214"),
    "document_date": fact("2031-05-14"),
    "subtotal": fact("1600.00"),
    "tax": fact("128.00"),
    "total": fact("1728.00"),
    "currency": fact("USD"),
}
LINES = [
    line("Rear bumper cover", "940.00", quantity="1", unit="940.00"),
    line("Tail lamp, left", "280.00"),
    line("Refinish rear panel", "380.00", kind="labour", quantity="4", unit="95.00"),
]


def claim() -> ClaimFile2:
    """A claim on which no check finds anything."""
    return ClaimFile2(
        claim_number="CLM-88214",
        policy=POLICY,
        policy_checked=True,
        notice=Notice(
            source="claim.json",
            claimant="Ms Nora A. Quill",
            policy_number="NW 2031 00417",
            date_of_loss=StatedDate(raw="12 May 2031", value=date(2031, 5, 12)),
            amount_claimed=Decimal("1728.00"),
            currency="USD",
            received_at=datetime(2031, 5, 13, 9, 0, tzinfo=UTC),
        ),
        documents=[ref("form"), ref("report"), ref("bill")],
        extractions=[
            facts("form", "claim_form", FORM),
            facts("report", "police_report", REPORT),
            facts("bill", "repair_estimate", BILL, LINES),
        ],
    )


def with_facts(file: ClaimFile2, document_id: str, **fields: Extracted | None) -> ClaimFile2:
    """The claim with fields of one document replaced, or removed where None."""

    def changed(said: DocumentFacts) -> DocumentFacts:
        if said.document_id != document_id:
            return said
        kept = {name: fact for name, fact in (said.fields | fields).items() if fact is not None}
        return said.model_copy(update={"fields": kept})

    return file.model_copy(update={"extractions": [changed(said) for said in file.extractions]})


def with_lines(file: ClaimFile2, lines: list[LineItem]) -> ClaimFile2:
    """The claim with other lines on its bill."""
    extractions = [
        said.model_copy(update={"lines": lines}) if said.document_id == "bill" else said for said in file.extractions
    ]
    return file.model_copy(update={"extractions": extractions})


def with_notes(file: ClaimFile2, notes: list[str]) -> ClaimFile2:
    """The claim with these notes of what was left out of its bill."""
    extractions = [
        said.model_copy(update={"notes": notes}) if said.document_id == "bill" else said for said in file.extractions
    ]
    return file.model_copy(update={"extractions": extractions})


def with_doubts(file: ClaimFile2, *doubts: Doubt) -> ClaimFile2:
    """The claim with these doubts about its bill."""
    extractions = [
        said.model_copy(update={"doubts": list(doubts)}) if said.document_id == "bill" else said
        for said in file.extractions
    ]
    return file.model_copy(update={"extractions": extractions})


def with_document(file: ClaimFile2, document: DocumentRef, said: DocumentFacts | None = None) -> ClaimFile2:
    """The claim with one document more."""
    return file.model_copy(
        update={
            "documents": [*file.documents, document],
            "extractions": [*file.extractions, *([said] if said else [])],
        }
    )


def findings(file: ClaimFile2) -> list[Finding]:
    """What the checks find on `TODAY`."""
    return check_claim(file, TODAY)


def codes(file: ClaimFile2) -> list[str]:
    """The codes of what the checks find."""
    return sorted(finding.code for finding in findings(file))
