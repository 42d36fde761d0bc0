"""The canary concludes nothing from a silence that has another cause, reconnects once, and then leaves."""

from __future__ import annotations

from tasks.canary import Silence, Verdict


def test_a_bell_that_is_heard_is_no_silence() -> None:
    silence = Silence(90)
    for now in range(0, 300, 30):
        silence.rung(now)
        assert silence.verdict(now) is Verdict.FINE
        silence.heard()


def test_silence_counts_from_the_first_bell_unheard() -> None:
    silence = Silence(90)
    for now in (0, 30, 60, 89):
        silence.rung(now)
        assert silence.verdict(now) is Verdict.FINE
    silence.rung(90)
    assert silence.verdict(90) is Verdict.RECONNECT


def test_after_a_reconnect_in_vain_the_process_leaves() -> None:
    silence = Silence(90)
    said = []
    for now in range(0, 300, 30):
        silence.rung(now)
        said.append(silence.verdict(now))
    assert [verdict for verdict in said if verdict is not Verdict.FINE] == [Verdict.RECONNECT, Verdict.LEAVE]
    assert said.index(Verdict.LEAVE) - said.index(Verdict.RECONNECT) == 4, "the new connection is given its own time"


def test_a_reconnect_that_helped_is_forgotten() -> None:
    silence = Silence(90)
    for _ in range(3):
        silence.rung(0)
        assert silence.verdict(100) is Verdict.RECONNECT
        silence.heard()


def test_a_broker_that_takes_no_bells_proves_nothing() -> None:
    silence = Silence(90)
    silence.rung(0)
    silence.excused()
    assert silence.verdict(1000) is Verdict.FINE
    silence.rung(1000)
    assert silence.verdict(1089) is Verdict.FINE
