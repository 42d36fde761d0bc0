"""The administrator's page: who may sign in, and with which roles; it is nobody else's."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import pytest

from app.accounts import administer
from app.accounts.people import Person
from app.core.errors import BadInput, Refused
from app.engine.runtime import Runtime
from app.store.accounts import users
from tests.web.conftest import Visitor


@pytest.fixture
def root(web: Runtime, visitor: Callable[[str], Visitor]) -> Visitor:
    administer.first_administrator(web, "una.root", "Una Root", by="test")
    return visitor("una.root")


def test_the_first_administrator_is_made_once(web: Runtime) -> None:
    assert administer.first_administrator(web, "una.root", "Una Root", by="test").startswith("/sign-in/link/")
    with pytest.raises(Refused, match="there is an administrator already"):
        administer.first_administrator(web, "una.other", "Una Other", by="test")


def test_an_administrator_enrols_somebody_and_the_link_shown_lets_them_in(
    root: Visitor, visitor: Callable[[str], Visitor]
) -> None:
    form = {"username": "gil.new", "display_name": "Gil New", "role.adjuster": "on", "authority": "$1,500.00"}
    page = root.post("/people", **form).text
    found = re.search(r"http://127\.0\.0\.1:8710(/sign-in/link/[\w-]+)", page)
    assert found
    assert found[1] not in root.get("/people").text, "it is shown once"
    assert "adjuster" in page and "1,500.00" in page
    root.post("/sign-out")
    assert "Gil New" in root.post(found[1]).text


def test_roles_change_what_somebody_may_at_their_next_click(root: Visitor, visitor: Callable[[str], Visitor]) -> None:
    carl = visitor("carl.vintergard")
    root.post("/people/carl.vintergard/change", **{"role.admin": "on", "authority": "0"})
    assert carl.get("/people").status_code == 200
    root.post("/people/carl.vintergard/shut-out")
    assert carl.get("/people").url.path == "/sign-in"
    root.post("/people/carl.vintergard/let-in")
    assert "Shut out" in root.get("/people").text


@pytest.mark.parametrize(
    "path", ["/people", "/people/ada.quillmore/link", "/people/ada.quillmore/change", "/people/ada.quillmore/shut-out"]
)
def test_nobody_else_may(ada: Visitor, path: str) -> None:
    assert ada.get("/people").status_code == 403
    answer = ada.post(path, username="eve.evil", display_name="Eve", **{"role.admin": "on"})
    assert answer.status_code == 403
    assert "that is for admin" in answer.text


def test_the_last_administrator_stays(root: Visitor, web: Runtime) -> None:
    for path, form in (("shut-out", {}), ("change", {"role.auditor": "on"})):
        answer = root.post(f"/people/una.root/{path}", **form)
        assert answer.status_code == 422
        assert "last administrator" in answer.text
    assert root.get("/people").status_code == 200


@pytest.mark.parametrize(
    ("person", "problem"),
    [
        (Person("Eve", "Eve", (), Decimal(0)), "username"),
        (Person("eve.evil", " ", (), Decimal(0)), "name"),
        (Person("eve.evil", "Eve\u202e", (), Decimal(0)), "name"),
        (Person("eve.evil", "Eve", ("king",), Decimal(0)), "there is no king"),
        (Person("eve.evil", "Eve", (), Decimal(-1)), "authority"),
        (Person("eve.evil", "Eve", (), Decimal("NaN")), "authority"),
    ],
)
def test_what_does_not_fit_is_named_and_nobody_is_enrolled(web: Runtime, person: Person, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        administer.enrol(web, person, by="test")
    with web.database.transaction() as db:
        assert person.username not in {row.username for row in users.everyone(db)}


def test_all_that_does_not_fit_is_told_at_once_and_what_was_typed_stays(root: Visitor) -> None:
    form = {"username": "Eve Evil", "display_name": " ", "role.auditor": "on", "authority": "1.500"}
    answer = root.post("/people", **form)
    assert answer.status_code == 422
    page = answer.text
    for field in ("username", "display_name", "authority"):
        (input_,) = re.findall(rf'<input id="Enrol-{field}"[^>]*>', page)
        assert 'aria-invalid="true"' in input_ and f'id="e-Enrol-{field}"' in page
        assert ("autofocus" in input_) == (field == "username"), "the focus is on the first"
    assert page.count("autofocus") == 1
    assert 'value="Eve Evil"' in page and 'value="1.500"' in page
    assert 'id="Enrol-auditor" checked' in page and 'id="Enrol-adjuster" checked' not in page


def test_a_change_that_does_not_fit_gives_its_form_back(root: Visitor) -> None:
    page = root.post("/people/carl.vintergard/change", **{"role.auditor": "on", "authority": "a lot"}).text
    assert 'id="carl.vintergard-auditor" checked' in page and 'value="a lot"' in page
    assert "&#39;a lot&#39; cannot be taken" in page and "<details open>" in page
    root.post("/people/carl.vintergard/change", **{"role.auditor": "on", "authority": "0"})
    again = root.get("/people").text
    assert 'id="carl.vintergard-auditor" checked' in again and "aria-invalid" not in again


def test_the_form_of_somebody_called_new_is_theirs_alone(root: Visitor) -> None:
    root.post("/people", username="new", display_name="Nell New", authority="0")
    page = root.post("/people/new/change", authority="a lot").text
    assert page.count('value="a lot"') == 1 and page.count('aria-invalid="true"') == 1
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_username_is_given_once(web: Runtime) -> None:
    with pytest.raises(Refused, match="is somebody already"):
        administer.enrol(web, Person("ada.quillmore", "Another Ada", ("admin",), Decimal(0)), by="test")
