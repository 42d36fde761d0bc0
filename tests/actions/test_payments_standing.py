"""Whether the payments service answers is said in one line, asked with the connector's own credentials, which it never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.insurance.connectors.access import Access
from app.insurance.connectors.payments_standing import look, shown
from app.settings import Settings
from tests.actions.test_payments_connector import Authority, serving

NOBODY = "http://127.0.0.1:9"


def test_a_service_that_does_not_answer_is_told_with_its_address_and_what_to_do() -> None:
    found = look(Access(url=NOBODY))
    assert not found.ok
    assert str(found).startswith(f"payments: external, not answering at {NOBODY} (")
    assert "LONGHAUL_PAYMENTS_URL" in found.remedy and "claims wait" in found.remedy


@pytest.mark.parametrize("status", [200, 404], ids=["healthy", "knows no /healthz"])
def test_any_answer_is_one(status: int) -> None:
    with serving() as books:
        books.status = status
        found = look(Access(url=books.address))
        assert (found.ok, str(found)) == (True, f"payments: external, answering at {books.address}")
        assert look(Access(url=books.address), external=False).said.startswith("the stack's own, answering at ")


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [(401, "refuses our credentials", "LONGHAUL_PAYMENTS_TOKEN"), (503, "but with 503", "see what is wrong")],
)
def test_a_refusal_of_our_credentials_and_a_failure_are_told_as_what_they_are(
    status: int, said: str, remedy: str
) -> None:
    with serving() as books:
        books.status = status
        found = look(Access(url=books.address))
    assert not found.ok and said in found.said and remedy in found.remedy
    assert "external, answering at" in found.said


def test_it_is_asked_with_the_token_of_the_connector_and_no_secret_is_shown() -> None:
    with serving() as books:
        access = Access.to_payments(Settings(payments_url=books.address, payments_token="s3cret"))  # type: ignore[arg-type]
        assert "s3cret" not in str(look(access))
    assert books.authorizations == ["Bearer s3cret"]
    assert shown("https://user:s3cret@pay.example:8443/in?key=s3cret") == "https://pay.example:8443"


def test_it_is_asked_with_the_certificate_and_the_authority_of_the_connector(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(authority.wants_certificates()) as books:
        known = {"payments_url": books.address, "payments_ca": authority.file}
        config = Settings(**known, payments_client_cert=authority.issue("client"))  # type: ignore[arg-type]
        assert look(Access.to_payments(config)).ok
        for incomplete in (Settings(**known), Settings(payments_url=books.address)):  # type: ignore[arg-type]
            assert "not answering" in look(Access.to_payments(incomplete)).said


def test_a_certificate_that_cannot_be_read_is_named_and_nobody_is_asked(tmp_path: Path) -> None:
    found = look(Access(url="https://payments.example", authority=tmp_path / "none.pem"))
    assert not found.ok and "LONGHAUL_PAYMENTS_CA" in found.remedy
