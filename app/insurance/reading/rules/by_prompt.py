"""The offline provider's answers: one rule function per prompt name, no language model, no network, no tokens.

A rule is given the request as the step passed it and returns the prompt's output, or raises NeedsPerson. A prompt
without a rule is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.declarations.prompts import Rule
from app.insurance.reading.extraction import ExtractionRequest, Statements
from app.insurance.reading.rules.offline import OfflineProvider


def _extraction(request: Mapping[str, Any]) -> Statements:
    facts = OfflineProvider().extract(ExtractionRequest.model_validate(request)).facts
    return Statements.model_validate({name: getattr(facts, name) for name in Statements.model_fields})


OFFLINE_RULES: dict[str, Rule] = {"document_extraction": _extraction}
