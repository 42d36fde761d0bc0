"""A JSON schema as a form, and a form's text as an answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from app.humans import forms
from app.web.http.form_fields import fields_of
from app.web.human_tasks.form_answers import by_field, read


class Colour(Enum):
    RED = "red"
    LIGHT_BLUE = "light_blue"


class Everything(BaseModel):
    """One field of each kind."""

    name: str = Field(max_length=40)
    comment: str = Field(title="Why")
    essay: str = Field(default="", max_length=2000)
    count: int = Field(ge=1, le=9)
    ratio: float = 0.5
    amount: Decimal = Field(ge=0)
    maybe: Decimal | None = None
    seen: bool
    colour: Colour = Colour.RED
    rank: Literal[1, 2] = 1
    day: date
    papers: list[Literal["bill", "photo"]] = []
    extra: dict[str, Any] = {}
    price: str = Field(default="", pattern=r"^\d{0,12}(\.\d{1,2})?$", description="such as 1234.50")


SCHEMA = Everything.model_json_schema()
GOOD = {
    "answer.name": "Quill",
    "answer.comment": "Because.\nTwice.",
    "answer.essay": "",
    "answer.count": " 3 ",
    "answer.ratio": "0.25",
    "answer.amount": "1234.50",
    "answer.maybe": "",
    "answer.seen": "false",
    "answer.colour": "light_blue",
    "answer.rank": "2",
    "answer.day": "2026-03-31",
    "answer.papers": "bill\n\n photo ",
    "answer.extra": '{"a": [1]}',
    "answer.price": "12.5",
}


def test_every_kind_of_field_is_recognised() -> None:
    kinds = {field.name: field.kind for field in fields_of(SCHEMA, {})}
    assert kinds == {
        "name": "text",
        "comment": "long",
        "essay": "long",
        "count": "integer",
        "ratio": "number",
        "amount": "decimal",
        "maybe": "decimal",
        "seen": "choice",
        "colour": "choice",
        "rank": "choice",
        "day": "date",
        "papers": "lines",
        "extra": "json",
        "price": "text",
    }


def test_what_is_typed_becomes_values_that_the_form_accepts() -> None:
    answer, wrong = read(fields_of(SCHEMA, {}), GOOD)
    assert wrong == {}
    assert answer == {
        "name": "Quill",
        "comment": "Because.\nTwice.",
        "essay": "",
        "count": 3,
        "ratio": 0.25,
        "amount": "1234.50",
        "maybe": None,
        "seen": False,
        "colour": "light_blue",
        "rank": 2,
        "day": "2026-03-31",
        "papers": ["bill", "photo"],
        "extra": {"a": [1]},
        "price": "12.5",
    }
    assert Everything.model_validate(forms.validated(SCHEMA, answer, "approve")).amount == Decimal("1234.50")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""),
        ("name", "   "),
        ("count", "three"),
        ("count", "1.5"),
        ("count", "0"),
        ("count", "10"),
        ("count", "9" * 5000),
        ("ratio", "inf"),
        ("amount", "1.234,50"),
        ("amount", "12,345 678"),
        ("amount", "1,23.50"),
        ("amount", "1e999999"),
        ("amount", "-0.01"),
        ("amount", "NaN"),
        ("amount", ""),
        ("amount", "1_000"),
        ("maybe", "some"),
        ("seen", ""),
        ("seen", "perhaps"),
        ("colour", "green"),
        ("rank", "3"),
        ("day", "31.03.2026"),
        ("day", "2026-02-31"),
        ("extra", "{"),
        ("extra", "[" * 100_000),
        ("extra", '{"a": NaN}'),
        ("price", "12,50"),
    ],
)
def test_a_text_that_is_no_value_is_refused_at_its_field(field: str, text: str) -> None:
    answer, wrong = read(fields_of(SCHEMA, {}), GOOD | {f"answer.{field}": text})
    assert list(wrong) == [field]
    assert wrong[field].endswith((".", "1234.50")) or "JSON" in wrong[field] or "nested" in wrong[field]
    assert field not in answer


@pytest.mark.parametrize("typed", ["1,234.50", "$1234.50", "$1,234.50", "1 234.50", "USD 1,234.50", "1234.50 usd"])
def test_an_amount_is_taken_as_people_write_it(typed: str) -> None:
    fields = fields_of(SCHEMA, {}, currencies={"amount": "USD", "price": "USD"})
    answer, wrong = read(fields, GOOD | {"answer.amount": typed, "answer.price": typed, "answer.maybe": typed})
    assert wrong == {}
    assert {answer[name] for name in ("amount", "price", "maybe")} == {"1234.50"}


def test_an_amount_to_be_paid_is_never_in_another_currency_and_never_a_guess() -> None:
    fields = fields_of(SCHEMA, {}, currencies={"amount": "USD", "price": "USD"})
    _, wrong = read(fields, GOOD | {"answer.amount": "EUR 1,234.50", "answer.price": "1.234"})
    assert "USD is asked for" in wrong["amount"]
    assert "write 1.23 if" in wrong["price"] and "else 1,234" in wrong["price"]


def test_defaults_prefill_and_typed_text_wins() -> None:
    fields = {f.name: f for f in fields_of(SCHEMA, {"amount": "12.00", "papers": ["bill"]}, {"answer.name": "x"})}
    assert (fields["amount"].value, fields["papers"].value, fields["name"].value) == ("12.00", "bill", "x")
    assert (fields["ratio"].value, fields["colour"].value, fields["maybe"].value) == ("0.5", "red", "")


def test_a_schema_without_order_shows_what_is_required_first() -> None:
    verdict = {
        "properties": {"data": {"type": "object"}, "comment": {"type": "string", "title": "Why"}},
        "required": ["comment"],
    }
    fields = fields_of(verdict, {})
    assert [(f.name, f.required) for f in fields] == [("comment", True), ("data", False)]
    assert read(fields, {"answer.comment": "Seen.", "answer.data": ""}) == ({"comment": "Seen."}, {})


def test_a_field_says_which_answers_need_it() -> None:
    fields = {f.name: f for f in fields_of(SCHEMA | {"x-needs": {"deny": ["essay"], "ask_more": ["essay"]}}, {})}
    assert fields["essay"].hint == "Needed to deny or ask more."
    assert fields["name"].hint == ""


def test_fields_stand_in_the_order_they_were_written() -> None:
    shuffled = SCHEMA | {"properties": dict(sorted(SCHEMA["properties"].items()))}
    assert [f.name for f in fields_of(shuffled, {}, order=list(Everything.model_fields))] == list(
        Everything.model_fields
    )


def test_a_refusal_is_put_to_the_fields_it_names() -> None:
    fields = fields_of(SCHEMA, {})
    assert by_field("outcome: 'x' is not offered", fields) == {"": "outcome: 'x' is not offered"}
    message = "count: 0 is less than the minimum of 1; papers.0: 'x; y: z' is not one of ['bill']; outcome: not offered"
    assert by_field(message, fields) == {
        "count": "0 is less than the minimum of 1",
        "papers": "'x; y: z' is not one of ['bill']; outcome: not offered",
    }
