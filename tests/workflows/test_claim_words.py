"""Names, VINs and impossible dates: the comparisons that the checks stand on."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.insurance_claim.checks.dates import is_impossible
from workflows.insurance_claim.checks.names import same_name
from workflows.insurance_claim.checks.vin import check_digit, has_valid_check_digit

ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
NAMES = st.lists(st.sampled_from(["Nora", "Quill", "Ines", "Maldow", "Ada", "Lindner", "J"]), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nora Quill", "QUILL, NORA"),
        ("Nora Quill", "Ms. N. Quill"),
        ("N. A. Quill", "Nora Anne Quill"),
        ("Nora Quill", "Nora Anne Quill"),
        ("José Muñoz", "Jose Munoz"),
        ("O'Dell, Ines", "Ines O’Dell"),
        ("Ines van der Maldow", "Maldow van der, Ines"),
    ],
)
def test_one_person(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nora Quill", "Noel Quillan"),
        ("Nora Quill", "Ines Quill"),
        ("Nora Quill", "N. Q."),
        ("N. Quill", "I. Quill"),
        ("", "Nora Quill"),
        ("Nora Quill", "Nora Maldow"),
    ],
)
def test_two_people(one: str, other: str) -> None:
    assert not same_name(one, other)
    assert not same_name(other, one)


@given(NAMES, st.randoms(use_true_random=False))
def test_the_order_of_the_words_never_matters(words: list[str], random: object) -> None:
    assert same_name(" ".join(words), " ".join(reversed(words))) == same_name(" ".join(words), " ".join(words))


@given(st.text(max_size=40), st.text(max_size=40))
def test_sameness_has_no_direction(one: str, other: str) -> None:
    assert same_name(one, other) == same_name(other, one)


def test_a_published_vin_and_its_neighbours() -> None:
    assert check_digit("1M8GDM9AXKP042788") == "X"
    assert has_valid_check_digit("11111111111111111")
    assert not has_valid_check_digit("1M8GDM9A1KP042788")


@pytest.mark.parametrize("vin", ["", "1M8GDM9AXKP04278", "IM8GDM9AXKP042788", "1M8GDM9AXKP04278Ä"])
def test_what_cannot_be_a_vin(vin: str) -> None:
    assert check_digit(vin) is None
    assert not has_valid_check_digit(vin)


@given(st.text(ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_found(vin: str, place: int, digit: str) -> None:
    valid = vin[:8] + str(check_digit(vin)) + vin[9:]
    assert has_valid_check_digit(valid)
    if place != 8 and valid[place].isdigit() and valid[place] != digit:
        assert not has_valid_check_digit(valid[:place] + digit + valid[place + 1 :])


@pytest.mark.parametrize(
    "text", ["31 February 2031", "2031-02-31", "31/02/2031", "Feb 30, 2031", "13/13/2031", "31.04.2031"]
)
def test_no_such_day(text: str) -> None:
    assert is_impossible(text)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d %B %Y"]))
def test_a_day_that_exists_is_never_impossible(day: date, print_as: str) -> None:
    assert not is_impossible(day.strftime(print_as))


@pytest.mark.parametrize("text", ["", "soon", "May", "12", "31 Foo 2031"])
def test_what_is_no_date_is_not_an_impossible_one(text: str) -> None:
    assert not is_impossible(text)
