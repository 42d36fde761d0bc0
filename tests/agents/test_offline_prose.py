"""Letters state facts in sentences; of whom and whether at all is read before what."""

from __future__ import annotations

import pytest

from tests.agents.sample_documents import facts_of, values_of

LETTER = """\
Ines Maldow
7 Larch Lane, Eastbrook

To the claims department

Re: accident report, policy number GX-4107-22, claim number CLM-77120

Dear Sir or Madam,

I write about my car. The date of loss was 31 April 2031, at about
half past eight, and the place of loss was Mill Street at the old
bridge, Eastbrook. A van came out of a yard and did not stop.

The car is a 2027 Alder Brisa, license plate KX27 QRT, VIN 1M8GDM9AXKP042788. The damaged
parts are: rear bumper, left tail
lamp and the boot lid. Police came; the police report number is PR-55-1182. The amount
claimed is $2,589.58.

Yours faithfully,
Ines Maldow
"""


def test_a_letter_states_what_a_form_states() -> None:
    facts = facts_of(LETTER)
    values = {name: fact.value for name, fact in facts.fields.items()}
    assert values == {
        "policy_number": "GX-4107-22",
        "claim_number": "CLM-77120",
        "date_of_loss": None,
        "place": "Mill Street at the old bridge, Eastbrook",
        "plate": "KX27 QRT",
        "vin": "1M8GDM9AXKP042788",
        "damage": ["rear bumper", "left tail lamp", "boot lid"],
        "police_report_number": "PR-55-1182",
        "amount_claimed": "2589.58",
        "currency": None,
    }
    loss = facts.fields["date_of_loss"]
    assert (loss.raw, loss.problem) == ("31 April 2031", "impossible")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("The accident happened on 5 May 2031 near the bridge.", "date_of_loss", "2031-05-05"),
        ("On my way home the collision occurred on May 5, 2031.", "date_of_loss", "2031-05-05"),
        ("With this letter I claim an amount of USD 1,250.00.", "amount_claimed", "1250.00"),
        ("In all the following parts were damaged: hood, grille.", "damage", ["hood", "grille"]),
        ("I am insured with you under policy number GX-4107.", "policy_number", "GX-4107"),
    ],
)
def test_other_ways_to_say_it(text: str, field: str, value: object) -> None:
    assert values_of(text)[field] == value


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("The other driver gave me his papers, his policy number is GX-4107.", "policy_number"),
        ("The other driver's policy number is GX-4107.", "policy_number"),
        ("My previous policy number was GX-4107.", "policy_number"),
        ("Please tell me if the policy number is GX-4107.", "policy_number"),
        ("The policy number GX-4107 of my neighbour is not mine.", "policy_number"),
        ("The date of loss was not 5 May 2031.", "date_of_loss"),
        ("The other car, license plate KX27 QRT, did not stop.", "plate"),
        ("The damage was caused by the van and its driver.", "damage"),
        ("I think that my claim is 5000.", "claim_number"),
        ("The police report is 3 pages long.", "police_report_number"),
        ("I claim that he was 3.50 metres away.", "amount_claimed"),
    ],
)
def test_what_is_said_of_others_or_denied_is_left_alone(text: str, field: str) -> None:
    assert field not in values_of(text)


def test_a_form_outweighs_a_sentence() -> None:
    text = "Date of loss: 4 May 2031\n\nThe accident happened on 5 May 2031 near the bridge."
    assert values_of(text)["date_of_loss"] == "2031-05-04"
