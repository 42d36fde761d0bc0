"""What a process holds, and whether it may send: no server, no waiting."""

from __future__ import annotations

import time
from uuid import UUID

import pytest

from app.core.errors import LeaseLost
from app.engine.holdings import Holding, Holdings

RUN, TOKEN, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
LONG = 1000.0


def _holding(until: float = LONG, token: UUID = TOKEN) -> Holding:
    return Holding(RUN, 1, token, time.monotonic() + until)


def test_a_send_is_allowed_while_lease_heartbeat_and_call_are_young() -> None:
    holdings = Holdings()
    assert holdings.may_send(_holding(), time.monotonic() + LONG)
    holdings.vouch(time.monotonic() + LONG)
    assert holdings.may_send(_holding(), time.monotonic() + LONG)


def test_nothing_is_sent_past_the_steps_deadline() -> None:
    with pytest.raises(LeaseLost, match="past its deadline"):
        Holdings().may_send(_holding(-1.0), time.monotonic() + LONG)


def test_nothing_is_sent_when_no_heartbeat_vouches_for_the_process_any_more() -> None:
    holdings = Holdings()
    holdings.vouch(time.monotonic() - 1.0)
    with pytest.raises(LeaseLost, match="no heartbeat was acknowledged for too long"):
        holdings.may_send(_holding(), time.monotonic() + LONG)


def test_nothing_is_sent_for_a_step_that_was_handed_back() -> None:
    holdings, holding = Holdings(), _holding()
    holdings.lose([holding])
    with pytest.raises(LeaseLost, match="handed back"):
        holdings.may_send(holding, time.monotonic() + LONG)


def test_a_call_that_took_too_long_to_begin_is_begun_anew() -> None:
    assert not Holdings().may_send(_holding(), time.monotonic() - 1.0)


def test_a_step_is_held_for_as_long_as_a_thread_works_on_it() -> None:
    holdings = Holdings()
    with holdings.hold(Holding(RUN, 1, TOKEN, LONG)) as holding:
        assert (holding.run_id, holding.step_seq, holding.token, holding.until) == (RUN, 1, TOKEN, LONG)
        assert (holding.leased, holding.lost, holding.open_intents) == (False, False, 0)
        assert holdings.all() == [holding] and holdings.leased() == []
        holding.leased = True
        assert holdings.leased() == [holding]
    assert holdings.all() == []


def test_a_step_that_fails_is_held_no_longer() -> None:
    holdings = Holdings()
    with pytest.raises(KeyError), holdings.hold(Holding(RUN, 1, TOKEN, LONG)):
        raise KeyError
    assert holdings.all() == []


def test_a_shutdown_takes_the_steps_without_an_open_intent_and_each_once() -> None:
    holdings = Holdings()
    with holdings.hold(Holding(RUN, 1, TOKEN, LONG)) as sends, holdings.hold(Holding(RUN, 2, OTHER, LONG)) as idles:
        with holdings.intent(sends):
            with holdings.intent(sends):
                pass
            assert sends.open_intents == 1
            assert holdings.without_intent() == [idles]
            assert (idles.lost, sends.lost) == (True, False)
        assert sends.open_intents == 0
        assert holdings.without_intent() == [sends]
        assert holdings.without_intent() == []


def test_no_call_begins_in_a_step_that_was_handed_back() -> None:
    holdings, holding = Holdings(), _holding()
    holdings.lose([holding])
    with pytest.raises(LeaseLost, match="before this call began"), holdings.intent(holding):
        pass
    assert holding.open_intents == 0


def test_an_intent_is_closed_however_its_call_ends() -> None:
    holdings, holding = Holdings(), _holding()
    with pytest.raises(KeyError), holdings.intent(holding):
        raise KeyError
    assert holding.open_intents == 0


def test_steps_past_their_deadline_are_overdue_and_no_others() -> None:
    holdings = Holdings()
    with (
        holdings.hold(Holding(RUN, 1, TOKEN, time.monotonic() - 1.0)) as late,
        holdings.hold(Holding(RUN, 2, OTHER, time.monotonic() + LONG)),
    ):
        assert holdings.overdue() == [late]


def test_a_new_process_accepts_and_does_not_stop() -> None:
    assert Holdings().accepting and not Holdings().stopping
