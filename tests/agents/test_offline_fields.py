"""A value is found behind, beside or below its label; anything doubtful stays out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agents.sample_documents import CLAIM_FORM, LABELS_ABOVE, POLICE_REPORT, facts_of, values_of


def test_a_form_with_colons() -> None:
    values = values_of(CLAIM_FORM)
    assert values == {
        "insured": "Nora Quill",
        "policy_number": "NW-2031-00417",
        "claim_number": "CLM-88214",
        "date_of_loss": "2031-04-03",
        "place": "Corner of Mill Street and 5th Avenue",
        "police_report_number": "PR-55-1182",
        "description": "I was waiting at the lights when a van hit the rear of my car and pushed it into the kerb.",
        "year": "2027",
        "make": "Alder",
        "model": "Brisa",
        "vin": "1M8GDM9AXKP042788",
        "plate": "KX27 QRT",
        "damage": ["Rear bumper", "left tail lamp", "boot lid", "rear left wheel"],
        "amount_claimed": "2431.50",
        "document_date": "2031-04-05",
        "currency": None,
    }


def test_a_form_with_the_labels_above_their_values() -> None:
    facts = facts_of(LABELS_ABOVE)
    assert {name: fact.value for name, fact in facts.fields.items()} == {
        "claimant": "Ines Maldow",
        "date_of_loss": None,
        "policy_number": "P 4471 209",
        "claim_number": "C/2031/0092",
        "description": "While reversing out of the drive the car struck a post. No other vehicle was involved.",
        "damage": ["Front bumper", "Headlamp (right)", "grille"],
        "amount_claimed": "1200.00",
        "currency": "EUR",
    }
    loss = facts.fields["date_of_loss"]
    assert (loss.raw, loss.problem) == ("2031-02-31", "impossible")


def test_a_report_in_two_columns() -> None:
    values = values_of(POLICE_REPORT)
    assert values["police_report_number"] == "PR-55-1182"
    assert values["date_of_loss"] == "2031-04-15"
    assert values["document_date"] == "2031-04-16"
    assert values["claimant"] == "QUILL, NORA"
    assert values["place"] == "Mill Street / 5th Avenue"
    assert values["vin"] == "1M8GDM9AXKP042788"
    assert values["damage"] == ["rear bumper", "left tail lamp"]


@pytest.mark.parametrize(
    "text",
    [
        "Policy number: GX 410-7",
        "Policy No. GX 410-7",
        "POLICY # GX 410-7",
        "3. Your policy number ...... GX 410-7",
        "Policy number    GX 410-7",
        "Policy number\nGX 410-7",
        "Policy number        Claim number\nGX 410-7             C-1",
        "Claim no: C-1 Policy no: GX 410-7",
        "Numéro de police : GX 410-7",
        "Versicherungsschein-Nr.: GX 410-7",
    ],
)
def test_one_number_under_many_labels(text: str) -> None:
    assert values_of(text)["policy_number"] == "GX 410-7"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Date of loss: 03/04/2031 or 04/03/2031", "date_of_loss"),
        ("The policy number GX-4107 of my neighbour is not mine.", "policy_number"),
        ("Policy 3 of 5", "policy_number"),
        ("Policy number: see above", "policy_number"),
        ("Claimant: unknown", "claimant"),
        ("Claimant states that the van did not stop.", "claimant"),
        ("Claimant: 42", "claimant"),
        ("VIN: 1234", "vin"),
        ("Registration date: 2031-01-01", "plate"),
        ("Amount claimed: to be determined", "amount_claimed"),
        ("Tax rate: 8%", "tax"),
        ("Total loss of the vehicle", "total"),
        ("Claimant:\nSignature: N. Quill", "claimant"),
        ("Name: Nora Quill", "claimant"),
    ],
)
def test_what_is_not_stated_plainly_is_left_out(text: str, field: str) -> None:
    assert values_of(text).get(field) is None


def test_two_different_values_are_a_contradiction_and_said() -> None:
    facts = facts_of("Claim number: C-100\nClaim number: C-200\nPolicy number: P-1\nPolicy number: P-1")
    assert "claim_number" not in facts.fields
    assert facts.fields["policy_number"].value == "P-1"
    assert any("claim_number" in note and "C-100" in note and "C-200" in note for note in facts.notes)


def test_an_impossible_date_is_not_hidden_by_a_possible_one() -> None:
    fact = facts_of("Date of loss: 31 February 2031\nDate of loss: 28 February 2031").fields["date_of_loss"]
    assert (fact.value, fact.raw, fact.problem) == (None, "31 February 2031", "impossible")


def test_an_ambiguous_date_keeps_what_was_printed_until_another_date_settles_it() -> None:
    alone = facts_of("Date of loss: 03/04/2031").fields["date_of_loss"]
    assert (alone.value, alone.raw, alone.problem) == (None, "03/04/2031", "ambiguous")
    settled = facts_of("Date of loss: 03/04/2031\nReported on: 25/04/2031").fields["date_of_loss"]
    assert settled.value == "2031-04-03"


def test_a_bare_name_belongs_to_its_section() -> None:
    assert values_of("Claimant information\nFull name: Ines Maldow")["claimant"] == "Ines Maldow"
    assert values_of("Insured\nName: Ines Maldow")["insured"] == "Ines Maldow"
    witness = values_of("Claimant\nWitness details\nName: Ines Maldow")
    assert "claimant" not in witness


def test_a_policy_period_is_two_days() -> None:
    values = values_of("Policy period: 3 June 2031 to 2 June 2032")
    assert (values["period_start"], values["period_end"]) == ("2031-06-03", "2032-06-02")


LABELS = {
    "policy_number": ["Policy number", "Policy No.", "Insurance policy number", "Policy ID"],
    "claim_number": ["Claim number", "Claim no", "Claim reference", "Claim #"],
    "date_of_loss": ["Date of loss", "Accident date", "Date of incident"],
    "claimant": ["Claimant", "Name of claimant", "Claimant name"],
    "vin": ["VIN", "Vehicle identification number", "Chassis number"],
    "amount_claimed": ["Amount claimed", "Total claimed", "Claim amount"],
}
VALUES = {
    "policy_number": st.from_regex(r"[A-Z]{2}-[0-9]{4,6}", fullmatch=True),
    "claim_number": st.from_regex(r"C[0-9]{5}", fullmatch=True),
    "date_of_loss": st.dates().filter(lambda day: 1950 <= day.year <= 2090).map(lambda day: day.isoformat()),
    "claimant": st.sampled_from(["Nora Quill", "Ines van der Maldow", "ADA LINDNER", "Tamsin, J. R."]),
    "vin": st.from_regex(r"[A-HJ-NPR-Z]{3}[A-HJ-NPR-Z0-9]{8}[0-9]{6}", fullmatch=True),
    "amount_claimed": st.decimals(min_value=1, max_value=99_999, places=2).map(str),
}


@st.composite
def forms(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A form of some fields in one of four layouts, and what it states."""
    stated = {field: draw(VALUES[field]) for field in draw(st.permutations(sorted(VALUES)))[: draw(st.integers(1, 6))]}
    labelled = [(draw(st.sampled_from(LABELS[field])), value) for field, value in stated.items()]
    layout = draw(st.sampled_from(["colon", "columns", "above", "table"]))
    if layout == "colon":
        return "\n".join(f"{label}: {value}" for label, value in labelled), stated
    if layout == "columns":
        return "\n".join(f"{label:<40}{value}" for label, value in labelled), stated
    if layout == "above":
        return "\n\n".join(f"{label}\n{value}" for label, value in labelled), stated
    head = "".join(f"{label:<40}" for label, _ in labelled)
    return head + "\n" + "".join(f"{value:<40}" for _, value in labelled), stated


@given(forms())
def test_every_layout_of_a_form_reads_the_same(form: tuple[str, dict[str, str]]) -> None:
    text, stated = form
    read = values_of(text)
    assert {field: read.get(field) for field in stated} == stated


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Vehicle\n2027 Alder Brisa", "model", "Brisa"),
        ("Policy period\n3 June 2031 to 2 June 2032", "period_end", "2032-06-02"),
        ("Report #\n71", "police_report_number", "71"),
    ],
)
def test_below_its_label_a_value_of_any_kind_is_read(text: str, field: str, value: str) -> None:
    assert values_of(text)[field] == value


LABELS_BESIDE = """\
First Notice of Loss
Claim No.                        CLM-7
Damage                           front bumper, grille, left
                                 headlamp
Insurer's own remark             USD 2,373.44
Story                            The car in front braked hard at the lights and I could not stop
"""
HEADINGS = """\
POLICE CRASH REPORT
LOCATION                                   SKETCH MADE BY
Alder Street at Mill Lane, Stonewick       Constable L. Esterhaus

BADGE                                      OWNER UNIT 1
964                                        Kofi Ashenby
"""


def test_a_list_of_damage_ends_where_the_next_entry_begins_whatever_that_is_called() -> None:
    damage = facts_of(LABELS_BESIDE).fields["damage"]
    assert damage.value == ["front bumper", "grille", "left headlamp"]
    assert "lights" not in damage.raw


def test_a_heading_beside_a_heading_is_not_its_value() -> None:
    assert facts_of(HEADINGS).fields["place"].value == "Alder Street at Mill Lane, Stonewick"


def test_capitals_beside_a_label_in_capitals_are_its_value_where_nothing_stands_below() -> None:
    text = "POLICE REPORT\nLOCATION        MILL LANE AT ALDER STREET\nBADGE           964\n"
    assert facts_of(text).fields["place"].value == "MILL LANE AT ALDER STREET"
