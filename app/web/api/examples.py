"""Examples made from the models, so that none can be out of date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from app.core.lifecycle import Status
from app.web.api.problems import documented

_TEXTS: Mapping[str, str] = {
    "claim": "CLM-2026-0007",
    "subject": "CLM-2026-0007",
    "workflow": "insurance_claim",
    "status": Status.WAITING_FOR_HUMAN.value,
    "state": "AWAITING_REVIEW",
    "role": "operator",
    "outcome": "pay",
    "currency": "USD",
    "filename": "invoice.pdf",
    "media_type": "application/pdf",
    "payee": "Orsolya Wendelmoor",
    "actor": "person:ada.quillmore",
}
_PLAIN: Mapping[Any, Any] = {
    UUID: "01934f7e-8c1a-7d2e-9b1f-3a5c7e9d1f20",
    datetime: datetime(2026, 11, 27, 9, 30, tzinfo=UTC).isoformat(),
    Decimal: "1240.00",
    int: 1,
    float: 12.5,
    bool: True,
    Any: {},
    NoneType: None,
}


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """A document of this model."""
    return {
        name: field.examples[0] if field.examples else _example(field.annotation, name)
        for name, field in model.model_fields.items()
    }


def _example(kind: Any, name: str) -> Any:
    if kind is str:
        return _TEXTS.get(name, name.replace("_", " "))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return example_of(kind)
    if get_origin(kind) in (Union, UnionType):
        return _example(get_args(kind)[0], name)
    if get_origin(kind) is list:
        return [_example(get_args(kind)[0], name)]
    if get_origin(kind) is dict:
        return {}
    return _PLAIN[kind]


def answers(
    model: type[BaseModel] | None, *problems: int, status: int = 200, also: int | None = None
) -> dict[int | str, Any]:
    """The answers of an operation: its model with an example, and every problem it may tell of."""
    usual = {401, 403, 422, 429, 500, 503, *problems} | ({400} if 415 in problems else set())
    found = documented(*usual)
    for each in (status, also):
        if each and model:
            found[each] = {
                "model": model,
                "description": model.__doc__ or "Done",
                "content": {"application/json": {"example": example_of(model)}},
            }
    return found
