"""The payments service is asked in private, shown who we are, and believed only where it repeats what it was sent."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from app.core.errors import BadInput, Contradicted
from app.insurance.connectors.access import Access
from app.insurance.connectors.payments import MailRoom, Payments
from app.settings import Settings
from tests.actions.conftest import Bureau
from tests.support.http_server import QuietHandler, local_server

KEY = "lh-1"
PAYMENT = {"claim": "CLM-1", "payee": "Ada Ferncastle", "amount": "100.00", "currency": "USD", "purpose": "payment"}
LETTER = {
    "claim": "CLM-1",
    "kind": "denial",
    "recipient": "Ada Ferncastle",
    "sha256": "ab" * 32,
    "purpose": "denial_letter",
}


class Books:
    """A service that answers with what it was sent, changed as a test wants; what was asked of it is kept."""

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {}
        self.authorizations: list[str | None] = []
        self.address = ""
        self.status = 200


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Books]:
    books = Books()

    class Handler(QuietHandler):
        def get(self) -> None:
            books.authorizations.append(self.headers["Authorization"])
            self.answer(books.status)

        def post(self) -> None:
            books.authorizations.append(self.headers["Authorization"])
            sent = json.loads(self.body())
            told = {"payment_id": "P-1", "key": self.headers["Idempotency-Key"], **sent, **books.changes}
            self.answer(201, json.dumps({k: v for k, v in told.items() if v is not None}).encode())

    with local_server(Handler, context) as server:
        books.address = server.url
        yield books


@pytest.mark.parametrize("spelled", [{}, {"amount": "100"}, {"amount": 100.0}, {"purpose": None}, {"key": None}])
def test_an_answer_that_repeats_what_was_sent_counts(spelled: dict[str, Any]) -> None:
    with serving() as books:
        books.changes = spelled
        assert Payments(Access(url=books.address))(KEY, PAYMENT)["payment_id"] == "P-1"


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("payee", "Eve"),
        ("payee", None),
        ("amount", "1000.00"),
        ("amount", "a lot"),
        ("amount", None),
        ("currency", "EUR"),
        ("currency", None),
        ("purpose", "bonus"),
        ("claim", "CLM-2"),
        ("key", "lh-2"),
        ("idempotency_key", "lh-2"),
    ],
)
def test_an_answer_that_says_something_else_is_no_result(field: str, said: Any) -> None:
    with serving() as books:
        books.changes = {field: said}
        with pytest.raises(Contradicted, match=rf"{field} {said!r}" if said else f"{field} 'not stated'"):
            Payments(Access(url=books.address))(KEY, PAYMENT)


@pytest.mark.parametrize("field", ["recipient", "sha256", "kind", "claim"])
def test_a_letter_to_somebody_else_or_of_other_bytes_is_no_result(field: str) -> None:
    with serving() as books:
        assert MailRoom(Access(url=books.address))(KEY, LETTER)["sha256"] == LETTER["sha256"]
        books.changes = {field: "another"}
        with pytest.raises(Contradicted, match=f"{field} 'another'"):
            MailRoom(Access(url=books.address))(KEY, LETTER)


def test_a_contradicted_payment_goes_to_a_person_at_once_and_is_never_complete(bureau: Bureau) -> None:
    def contradicted() -> None:
        raise Contradicted("the payments service answered with payee 'Eve' instead of 'Ada Ferncastle'")

    bureau.till.after = contradicted
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    task = bureau.task(run_id)
    assert (task["kind"], len(bureau.till.sent), bureau.action(run_id)["status"]) == ("unknown", 1, "UNKNOWN")
    assert "payee 'Eve' instead of 'Ada Ferncastle'" in task["note"]


def test_a_record_of_something_else_found_under_the_key_is_for_a_person_too(bureau: Bureau) -> None:
    def lost() -> None:
        raise TimeoutError

    def check(key: str, params: Any, answer: Any) -> None:
        Payments(Access(url="http://127.0.0.1:9")).check(key, params, answer)

    bureau.till.after = lost
    bureau.till.check = check  # type: ignore[attr-defined]
    run_id = bureau.begin()
    bureau.answer(run_id, "ada")
    (record,) = bureau.till.paid.values()
    record["payee"] = "Eve"
    bureau.journey.tamper("UPDATE checkpoints SET key_valid_until = app_now() WHERE kind = 'tool'")
    bureau.journey.tamper(
        "UPDATE runs SET status = 'READY', ready_at = app_now(), wake_at = NULL WHERE id = %s", run_id
    )
    bureau.journey.go()
    assert (bureau.task(run_id)["kind"], len(bureau.till.sent)) == ("unknown", 1)


def test_a_token_is_sent_with_every_request_and_printed_nowhere() -> None:
    with serving() as books:
        access = Access.to_payments(Settings(payments_url=books.address, payments_token="s3cret"))  # type: ignore[arg-type]
        Payments(access)(KEY, PAYMENT)
    assert books.authorizations == ["Bearer s3cret"]
    assert "s3cret" not in repr(access)


def test_a_service_that_wants_a_certificate_is_shown_ours(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(authority.wants_certificates()) as books:
        config = Settings(
            payments_url=books.address, payments_ca=authority.file, payments_client_cert=authority.issue("client")
        )
        assert Payments(Access.to_payments(config))(KEY, PAYMENT)["payment_id"] == "P-1"
        with pytest.raises(Exception, match=r"(?i)certificate|closed|reset|EOF"):
            Payments(Access(url=books.address, authority=authority.file))(KEY, PAYMENT)
        with pytest.raises(Exception, match=r"(?i)certificate"):
            Payments(Access(url=books.address))(KEY, PAYMENT)


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("not one")
    with pytest.raises(BadInput, match="LONGHAUL_PAYMENTS_CA"):
        Payments(Access(url="https://payments.example", authority=tmp_path / "wrong.pem"))
    with pytest.raises(BadInput, match="LONGHAUL_PAYMENTS_CLIENT_CERT"):
        Payments(Access(url="https://payments.example", certificate=tmp_path / "none.pem"))


class Authority:
    """Signs the certificates of one test."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        own = self._certificate(self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(True, None), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Path:
        """A certificate for this machine, with its key in the same file."""
        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            self._certificate(subject, key.public_key())
            .add_extension(here, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._folder / f"{name}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        return file

    def wants_certificates(self) -> ssl.SSLContext:
        """A server's end of TLS: with a certificate of its own, and for nobody without one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue("server"))
        context.load_verify_locations(self.file)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - dt.timedelta(days=1),
            not_valid_after=now + dt.timedelta(days=1),
        )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"payments_url": "http://payments.example"}, "by http everybody between can read"),
        ({"payments_url": "http://10.0.0.7:8711"}, "LONGHAUL_PAYMENTS_HTTP_HOST=10.0.0.7"),
        (
            {"payments_url": "http://payments:8711", "payments_http_host": "payments", "payments_token": "t"},
            "write it like https://",
        ),
        ({"payments_url": "http://127.0.0.1:1", "payments_client_cert": "c.pem"}, "which takes https"),
        ({"payments_url": "https://ada:pw@payments.example"}, "LONGHAUL_PAYMENTS_TOKEN"),
        ({"payments_url": "ftp://payments.example"}, "no address of a service"),
        ({"payments_url": "payments.example"}, "no address of a service"),
        ({"payments_url": "https://payments.example", "payments_client_key": "k.pem"}, "LONGHAUL_PAYMENTS_CLIENT_CERT"),
    ],
)
def test_what_would_go_in_the_clear_or_cannot_work_is_refused_by_the_settings(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"payments_url": "http://localhost:8711", "payments_token": "t"},
        {"payments_url": "http://[::1]:8711"},
        {"payments_url": "http://payments:8711", "payments_http_host": "payments"},
        {"payments_url": "https://payments.example", "payments_token": "t", "payments_client_cert": "c.pem"},
    ],
)
def test_https_and_this_machine_are_fine(settings: dict[str, Any]) -> None:
    assert Settings(**settings).payments_url
