"""Whoever starts runs from a program of their own keeps their Celery, their logging and their process as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.ids import queue_name
from tests.conftest import BOTH_BROKERS
from tests.support.bells import Bells
from tests.support.programs import CELERY, Program
from tests.support.shop import Shop
from tests.support.small_workflows import PAYING
from tests.support.waiting import wait_for

pytestmark = pytest.mark.guarantee
MAILS = {"before", "after", "from-a-thread", "by-its-app", "from-the-worker"}


@BOTH_BROKERS
def test_starting_a_run_changes_nothing_of_the_caller_and_loses_none_of_their_messages(
    broker_url: str, database_url: str, tmp_path: Path
) -> None:
    """Their worker takes each of their mails and none of our bells, though both lie on one broker."""
    shop = Shop(tmp_path, {"LONGHAUL_DATABASE_URL": database_url, "LONGHAUL_BROKER_URL": broker_url}, broker_url)
    command = [CELERY, "-A", "shop", "worker", "--pool=solo", "--loglevel=INFO", "--without-mingle", "--without-gossip"]
    worker = Program("shop", command, tmp_path / "shop.log", shop.environment, folder=tmp_path)
    worker.start()
    bells = Bells(broker_url)
    try:
        assert shop.website() == {"rung": True, "by importing": {}, "by ringing": {}}
        ordered = wait_for(shop.order, "the task that starts a run in their worker", evidence=worker.tail)
        assert ordered == {"rung": True, "changed": {}, "children": 0}
        wait_for(lambda: len(shop.delivered) >= len(MAILS), "their mails to be delivered", evidence=worker.tail)
        assert sorted(shop.delivered) == sorted(MAILS)
        queue = queue_name("steps", PAYING.name, PAYING.version)
        assert bells.waiting(queue) == 2, "our bells lie elsewhere than where our workers look"
        assert "Task shop.mails.mail" in worker.log.read_text(), "their worker's own log lines are gone"
    finally:
        bells.close()
        worker.end()
