"""The outside payments service: one effect per key, whatever is lost on the way."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from app.insurance.demo.payments import Switches, create_app, main
from app.insurance.demo.payments_store import PaymentsStore
from tests.demo.payments_process import PAYMENT, PaymentsProcess
from tests.support.waiting import wait_for

LETTER = {"claim": "CLM-1", "kind": "denial", "recipient": "Ada Ferncastle", "sha256": "a" * 64, "purpose": "denial"}


def test_twenty_threads_with_one_key_pay_once(service: PaymentsProcess) -> None:
    together = threading.Barrier(20)

    def pay(_: int) -> httpx.Response:
        together.wait()
        return service.pay("k-1")

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(pay, range(20)))

    assert sorted(a.status_code for a in answers) == [200] * 19 + [201]
    assert len({a.text for a in answers}) == 1
    assert service.count("payments") == 1
    assert service.count("requests") == 20


def test_twenty_threads_with_twenty_keys_pay_twenty_times(service: PaymentsProcess) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: service.pay(f"k-{n}"), range(20)))
    assert [a.status_code for a in answers] == [201] * 20
    assert service.count("payments") == 20


def test_killed_between_act_and_answer_the_payment_stands_and_a_retry_adds_none(service: PaymentsProcess) -> None:
    service.switch(delay_after=600)
    with ThreadPoolExecutor(1) as pool:
        lost: Future[httpx.Response] = pool.submit(service.pay, "k-1")
        wait_for(lambda: service.count("payments") == 1, "the payment")
        service.kill()
        assert isinstance(lost.exception(), httpx.TransportError)

    service.start()
    standing = service.get("/payments/by-key/k-1")
    retried = service.pay("k-1")

    assert (standing.status_code, retried.status_code) == (200, 200)
    assert standing.json() == retried.json()
    assert service.count("payments") == 1
    assert service.rows("SELECT answer_status FROM requests ORDER BY id") == [(None,), (200,)]


def test_killed_before_acting_nothing_stands_and_a_retry_pays(service: PaymentsProcess) -> None:
    service.switch(delay_before=600)
    with ThreadPoolExecutor(1) as pool:
        lost: Future[httpx.Response] = pool.submit(service.pay, "k-1")
        wait_for(lambda: service.count("requests") == 1, "the request")
        service.kill()
        assert isinstance(lost.exception(), httpx.TransportError)

    service.start()
    assert service.get("/payments/by-key/k-1").status_code == 404
    assert service.pay("k-1").status_code == 201
    assert service.count("payments") == 1


def test_killed_under_load_every_key_is_paid_once(service: PaymentsProcess) -> None:
    service.switch(delay_after=0.05)
    restarted = threading.Event()

    def pay_until_answered(n: int) -> httpx.Response:
        while True:
            try:
                return service.pay(f"k-{n % 5}")
            except httpx.TransportError:
                restarted.wait(20)

    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(pay_until_answered, n) for n in range(40)]
        wait_for(lambda: service.count("payments") >= 1, "the first payment")
        service.kill()
        service.start()
        restarted.set()
        answers = [future.result() for future in futures]

    assert {a.status_code for a in answers} <= {200, 201}
    assert len({a.json()["payment_id"] for a in answers}) == 5
    assert service.count("payments") == 5


def test_a_client_that_hangs_up_does_not_undo_the_payment(service: PaymentsProcess) -> None:
    service.switch(delay_after=1)
    with pytest.raises(httpx.ReadTimeout):
        service.post("/payments", "k-1", PAYMENT, timeout=0.3)
    wait_for(lambda: service.rows("SELECT answer_status FROM requests") == [(201,)], "the late answer")
    assert service.count("payments") == 1


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(service: PaymentsProcess) -> None:
    first = service.pay("k-1")
    other = service.pay("k-1", amount="1234.51")
    assert (first.status_code, other.status_code) == (201, 422)
    assert "another body" in other.json()["error"]
    assert service.rows("SELECT amount FROM payments") == [("1234.50",)]
    assert service.pay("k-1").json() == first.json()


def test_one_amount_spelled_otherwise_is_the_same_payment(service: PaymentsProcess) -> None:
    assert service.pay("k-1", amount="10").status_code == 201
    assert service.pay("k-1", amount="10.00").status_code == 200
    assert service.rows("SELECT amount FROM payments") == [("10.00",)]


@pytest.mark.parametrize("key", [None, "", "two words", "x" * 256])
def test_a_post_without_a_usable_key_is_refused(service: PaymentsProcess, key: str | None) -> None:
    answer = service.post("/payments", key, PAYMENT)
    assert answer.status_code == 400
    assert "Idempotency-Key is required" in answer.json()["error"]
    assert service.count("payments") == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"amount": "0.00"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "1,000.00"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": 12.5}, "amount"),
        ({"amount": "1.005"}, "amount"),
        ({"currency": "usd"}, "currency"),
        ({"payee": ""}, "payee"),
        ({"memo": "x"}, "memo"),
    ],
)
def test_a_bad_body_is_refused_by_the_name_of_its_field(tmp_path: Path, change: dict[str, object], named: str) -> None:
    client, store = _in_process(tmp_path)
    answer = client.post("/payments", json={**PAYMENT, **change}, headers={"Idempotency-Key": "k-1"})
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert client.get("/payments/by-key/k-1").status_code == 404
    store.close()


def test_refusals_are_counted_carry_retry_after_and_have_no_effect(service: PaymentsProcess) -> None:
    service.switch(refuse_status=429, refuse_times=2, retry_after=7)
    refused = [service.pay("k-1"), service.pay("k-1")]
    assert [(r.status_code, r.headers["Retry-After"]) for r in refused] == [(429, "7")] * 2
    assert service.count("payments") == 0
    service.switch(refuse_status=503, refuse_times=1)
    unavailable = service.pay("k-1")
    assert unavailable.status_code == 503
    assert "Retry-After" not in unavailable.headers
    assert service.pay("k-1").status_code == 201
    assert service.rows("SELECT answer_status FROM requests ORDER BY id") == [(429,), (429,), (503,), (201,)]


def test_switches_can_be_set_by_the_environment(tmp_path: Path) -> None:
    process = PaymentsProcess(tmp_path / "payments.sqlite")
    process.start(json.dumps({"refuse_status": 503, "refuse_times": 1, "retry_after": 2}))
    try:
        refused = process.pay("k-1")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
        assert process.pay("k-1").status_code == 201
    finally:
        process.stop()


@pytest.mark.parametrize(
    ("arguments", "switches", "named"),
    [(["--port", "99999"], "", "99999 is no port"), ([], '{"delay": 1}', "LONGHAUL_PAYMENTS_TEST: delay")],
)
def test_a_bad_start_names_what_is_wrong(
    arguments: list[str],
    switches: str,
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LONGHAUL_PAYMENTS_TEST", switches)
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert named in capsys.readouterr().err


def test_switches_are_refused_from_elsewhere(tmp_path: Path) -> None:
    client, store = _in_process(tmp_path)
    assert client.post("/_test", json={"refuse_times": 1}).status_code == 403
    assert client.post("/payments", json=PAYMENT, headers={"Idempotency-Key": "k-1"}).status_code == 201
    store.close()


def test_letters_keep_the_same_contract_with_keys_of_their_own(service: PaymentsProcess) -> None:
    assert service.pay("k/1").status_code == 201
    first = service.post("/letters", "k/1", LETTER)
    again = service.post("/letters", "k/1", LETTER)
    other = service.post("/letters", "k/1", {**LETTER, "sha256": "b" * 64})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert service.get("/letters/by-key/k/1").json() == first.json() == again.json()
    assert service.get("/letters/by-key/k-2").status_code == 404
    assert (service.count("letters"), service.count("payments")) == (1, 1)


def test_payments_are_listed_by_claim(service: PaymentsProcess) -> None:
    for key, claim in (("k-1", "CLM-1"), ("k-2", "CLM-2"), ("k-3", "CLM-1")):
        service.pay(key, claim=claim)
    assert [p["key"] for p in service.get("/payments?claim=CLM-1").json()["payments"]] == ["k-1", "k-3"]
    assert len(service.get("/payments").json()["payments"]) == 3
    assert service.get("/payments?claim=CLM-9").json() == {"payments": []}


def _in_process(tmp_path: Path) -> tuple[TestClient, PaymentsStore]:
    """The service without a process, called from an address that is not the loopback."""
    store = PaymentsStore(tmp_path / "payments.sqlite")
    return TestClient(create_app(store, Switches()), client=("192.0.2.7", 5000)), store
