"""The wire shape of extraction: what a reader hands over, what an extractor answers.

The law of this file: a stated fact never travels without its place. Every value carries the page it was read
from and a quote that stands there; `quote_stands_in` is the one definition of "stands there".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from app.core.values.pages import PageText, Wire

Confidence = Annotated[float, Field(ge=0.0, le=1.0)]
Money = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=18)]
"""An exact amount in the currency's main unit (euros, not cents). JSON: a string."""

DocumentKind = Literal[
    "claim_form", "police_report", "repair_estimate", "repair_invoice", "policy", "photos", "correspondence", "other"
]


class Extracted(Wire):
    """One stated fact. `value` is None when it was stated but cannot be one (31 February): `raw` tells what was."""

    value: str | list[str] | None = Field(
        description="normalised: ISO date, plain decimal ('1234.50'), ISO 4217, text, or list of texts"
    )
    raw: str = Field(description="as printed")
    page: int = Field(ge=1)
    quote: str = Field(min_length=1, description="a passage of that page, label and value where they stand together")
    confidence: Confidence
    problem: Literal["impossible", "ambiguous"] | None = Field(
        default=None, description="why `value` is None: no such day, or more than one reading"
    )


class LineItem(Wire):
    """One billed line of an estimate or invoice; amounts without tax where the document separates it."""

    description: str
    kind: Literal["part", "labour", "other"] = "other"
    quantity: Money | None = None
    unit_price: Money | None = None
    amount: Money
    page: int = Field(ge=1)
    quote: str = Field(min_length=1)


class Statements(Wire):
    """What one reader says of a document: its kind, with the words that say so, and its facts."""

    kind: DocumentKind
    kind_confidence: Confidence
    kind_quote: str = Field(
        default="", max_length=400, description="the words that say so, as they stand in the document"
    )
    fields: dict[str, Extracted] = Field(default_factory=dict)
    lines: list[LineItem] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list, description="why something was left out, in sentences")


class Doubt(Wire):
    """Something a model reads otherwise than the rules do, or reads alone. It changes no fact; a person looks."""

    field: str = Field(description="a name of `FIELDS`, 'kind' or 'lines'")
    by_model: str
    by_rules: str | None = Field(default=None, description="None: the rules state nothing")
    page: int | None = None
    quote: str = ""


class DocumentFacts(Statements):
    """What one document states. `fields` keys: see `FIELDS`; a field nobody is sure of is absent.

    confirmed: the fields that a model read as the rules did. doubts: those it did not.
    """

    document_id: str
    confirmed: list[str] = Field(default_factory=list)
    doubts: list[Doubt] = Field(default_factory=list)


FIELDS: tuple[str, ...] = (
    "claim_number",
    "policy_number",
    "claimant",
    "insured",
    "date_of_loss",
    "document_date",
    "period_start",
    "period_end",
    "vin",
    "plate",
    "make",
    "model",
    "year",
    "police_report_number",
    "invoice_number",
    "place",
    "description",
    "damage",
    "amount_claimed",
    "subtotal",
    "tax",
    "total",
    "currency",
    "deductible",
    "instructions",
)
"""Every field name an extractor may state. `instructions` is text that addresses a machine: a document has no business
giving orders, so it is a fact about the document and a reason to call a person."""


class ExtractionRequest(Wire):
    """One document to extract from, already read."""

    document_id: str
    filename: str
    pages: list[PageText]


class ExtractionReply(Wire):
    """The facts and what they cost."""

    facts: DocumentFacts
    provider: str
    tokens_in: int = Field(default=0, ge=0)
    tokens_out: int = Field(default=0, ge=0)


def normalised(text: str) -> str:
    """Every run of white space as one blank: how quote and page are compared."""
    return " ".join(text.split())


def quote_stands_in(quote: str, page_text: str) -> bool:
    """True when `quote` is a passage of `page_text`, white space aside. An empty quote stands nowhere."""
    wanted = normalised(quote)
    return bool(wanted) and wanted in normalised(page_text)


def misquoted(facts: DocumentFacts, pages: list[PageText]) -> list[str]:
    """The fields and lines whose quote does not stand on the page they name; empty when all do."""
    text = {page.number: page.text for page in pages}
    wrong = [n for n, f in facts.fields.items() if not quote_stands_in(f.quote, text.get(f.page, ""))]
    lines = [line for line in facts.lines if not quote_stands_in(line.quote, text.get(line.page, ""))]
    return wrong + [f"line: {line.description}" for line in lines]
