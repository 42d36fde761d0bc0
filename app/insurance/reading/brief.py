"""The narrow form in which a small model is asked what a document says: few facts, short texts, an end within reach.

The law: every text is bounded, so that a model that rambles still comes to the end of its answer. What it says is
proven by the same rules as what a large one says (`app.insurance.reading.quotes`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.core.values.pages import Wire
from app.insurance.reading.extraction import DocumentKind, Extracted, Statements

Value = Annotated[str, Field(min_length=1, max_length=40)]
Quote = Annotated[str, Field(min_length=1, max_length=80)]


class BriefFact(Wire):
    """One fact: its value, and the words of the page that say it."""

    value: Value
    page: int = Field(ge=1, le=999)
    quote: Quote


class BriefFacts(Wire):
    """The facts that matter most; leave out what the document does not state."""

    claim_number: BriefFact | None = None
    policy_number: BriefFact | None = None
    date_of_loss: BriefFact | None = None
    vin: BriefFact | None = None
    total: BriefFact | None = None


class BriefStatements(Wire):
    """What kind of document this is, the words that say so, and its few facts."""

    kind: DocumentKind
    kind_quote: Quote
    fields: BriefFacts

    def whole(self) -> Statements:
        """The same as a large model would say it; how sure a small one is of itself says nothing."""
        found = {name: getattr(self.fields, name) for name in BriefFacts.model_fields}
        fields = {
            name: Extracted(value=fact.value, raw=fact.quote, page=fact.page, quote=fact.quote, confidence=0.5)
            for name, fact in found.items()
            if fact is not None
        }
        return Statements(kind=self.kind, kind_confidence=0.5, kind_quote=self.kind_quote, fields=fields)
