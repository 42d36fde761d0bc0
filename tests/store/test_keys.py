"""A key that was taken is freed and answered by whoever took it last, and by nobody else."""

from __future__ import annotations

from app.store.records import request_keys
from tests.support.journey import travel


def test_who_was_given_up_frees_and_answers_nobody_elses_key(database_url: str) -> None:
    with travel(database_url) as journey, journey.rt.database.transaction() as db:

        def take(owner: str, age: float) -> tuple[bool, object]:
            return request_keys.take(db, "api", "k", "body", owner=owner, forgotten_seconds=age)

        assert take("slow", 300) == (True, None)
        assert take("other", 300) == (False, None), "somebody is at it"
        assert take("quick", 0) == (True, None), "the slow one is given up"
        request_keys.give_back(db, "api", "k", owner="slow")
        request_keys.answered(db, "api", "k", {"status": 500}, owner="slow")
        assert take("third", 300) == (False, None), "the quick one is still at it"
        request_keys.answered(db, "api", "k", {"status": 201}, owner="quick")
        assert take("third", 0) == (False, {"status": 201})
        request_keys.give_back(db, "api", "k", owner="quick")
        assert take("third", 0) == (False, {"status": 201}), "an answer stays"
