"""How a claim is stated to the API: what its JSON may say, and the form that carries documents.

The law: what fits the description is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.canonical import parse_json
from app.core.errors import BadInput, misfits

# The length apart: as `{0,200}` in the pattern it would be 200 copies of these classes, 17 MB in every web process.
_Number = Annotated[str, Field(pattern=r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$", max_length=200)]
_Money = Annotated[str, Field(pattern=r"^(([0-9]{1,12}|[1-9][0-9]{0,2}(,[0-9]{3}){1,3})([.][0-9]{1,2})?)?$")]
_ManyFigures = Annotated[int, Field(ge=0, lt=10**12)]


class Statement(BaseModel):
    """As `claim.json` states a claim. What stands under other names is kept for the reviewer to read."""

    model_config = ConfigDict(extra="allow", strict=True, json_schema_extra={"minProperties": 1})

    claim: _Number | _ManyFigures | None = Field(default=None, description="Its number, in printable characters.")
    claim_number: _Number | _ManyFigures | None = None
    policy: str | None = None
    policy_number: str | None = None
    claimant: str | None = None
    date_of_loss: str | None = Field(default=None, description="As it was stated; ISO is read for sure.")
    amount_claimed: _Money | _ManyFigures | None = None
    currency: str | None = None
    place: str | None = None
    description: str | None = None
    vin: str | None = None


EXAMPLE = {
    "claim": "CLM-2026-0007",
    "policy_number": "POL-1",
    "date_of_loss": "2026-10-02",
    "amount_claimed": "1240.00",
    "currency": "USD",
}
_SCHEMA = Statement.model_json_schema()
_DOCUMENTS = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1, "maxItems": 100}
JSON: Mapping[str, Any] = {"application/json": {"schema": _SCHEMA, "example": EXAMPLE}}
CLAIM_FORM: Mapping[str, Any] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"claim": _SCHEMA | {"description": "At most 4,096 bytes."}, "documents": _DOCUMENTS},
            "anyOf": [{"required": ["claim"]}, {"required": ["documents"]}],
        },
        "encoding": {"claim": {"contentType": "application/json"}},
        "example": {"claim": {"claim": "CLM-2026-0007"}, "documents": ["invoice.pdf"]},
    }
}
DOCUMENTS_FORM: Mapping[str, Any] = {
    "multipart/form-data": {
        "schema": {"type": "object", "properties": {"documents": _DOCUMENTS}, "required": ["documents"]},
        "example": {"documents": ["invoice.pdf"]},
    }
}


def read(text: str) -> Mapping[str, Any]:
    """What was stated. Raises NotCanonical for what is no JSON, BadInput naming the field."""
    stated = parse_json(text, what="the claim")
    if not isinstance(stated, dict):
        raise BadInput("claim: must be one JSON object")
    if not stated:
        raise BadInput(
            "claim: state something of it, such as its policy number; leave it out where there are documents"
        )
    stated = {name: int(value) if _is_whole(value) else value for name, value in stated.items()}
    try:
        Statement.model_validate(stated)
    except ValidationError as problem:
        raise BadInput(misfits(problem, what="claim")) from problem
    return stated


def _is_whole(value: Any) -> bool:
    """JSON has one kind of number: 7.0 is 7."""
    return isinstance(value, float) and value.is_integer()
