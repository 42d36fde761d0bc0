"""Any program can start runs over the broker, keeping its own Celery; and what is sent past our keys is read by nobody."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

import app.sender
from app.core.errors import BadInput
from app.sender import NotSent, Sender, sender
from tests.conftest import BOTH_BROKERS
from tests.support.bells import Bells
from tests.support.programs import CELERY, PROJECT, Program
from tests.support.shop import Shop
from tests.support.stack import MakeStack
from tests.support.waiting import wait_for
from workflows.insurance_claim import INSURANCE_CLAIM

pytestmark = pytest.mark.guarantee

BODY: dict[str, Any] = {"purposes": ["first"]}
ENDED = "SELECT subject FROM runs WHERE status = 'COMPLETE' ORDER BY subject"


def unprefixed(broker_url: str, key: str) -> int:
    """How many messages lie in a list of Redis under exactly this name."""
    with Connection(broker_url) as connection, connection.channel() as channel:
        return int(channel.client.llen(key))


@BOTH_BROKERS
def test_a_program_with_a_celery_of_its_own_starts_runs_and_stays_as_it_was(
    make_stack: MakeStack, broker_url: str, tmp_path: Path
) -> None:
    """Its tasks go to its own worker before and after; nothing of its process changes; our settings are not even read."""
    shop = Shop(tmp_path / "shop", {"LONGHAUL_BROKER_URL": broker_url}, broker_url)
    command = [CELERY, "-A", "shop", "worker", "--pool=solo", "--loglevel=INFO", "--without-mingle", "--without-gossip"]
    theirs = Program("shop", command, tmp_path / "shop.log", shop.environment, folder=shop.folder)
    theirs.start()
    stack = make_stack("small_workflows:PAYING")
    (worker,) = stack.workers(1)
    try:
        found = shop.run("shop.sending")
        assert found == {"changed": {}, "imported": [], "current app": "shop"}
        mails = {"before", "after", "by-its-app"}
        wait_for(lambda: set(shop.delivered) == mails, "their mails to be delivered", evidence=theirs.tail)
        stack.wait(lambda: len(stack.all(ENDED)) == 2, "the runs it asked for to end")
        assert [row["subject"] for row in stack.all(ENDED)] == ["by-a-thread", "by-the-program"]
        assert not worker.lines("start_refused") and len(shop.delivered) == len(mails)
    finally:
        theirs.end()


def test_a_message_sent_without_the_prefix_lies_where_nobody_reads_it(
    make_stack: MakeStack, broker_url: str, tmp_path: Path
) -> None:
    stack = make_stack("small_workflows:PAYING")
    stack.workers(1)
    shop = Shop(tmp_path / "shop", {"LONGHAUL_BROKER_URL": broker_url}, broker_url)
    assert shop.run("shop.without_prefix") == {"sent": True}
    with sender(broker_url) as longhaul:
        longhaul.start("paying", "with", BODY, key="order-1")
    stack.wait(lambda: stack.all(ENDED), "the run that was sent behind it")
    assert unprefixed(broker_url, "intake") == 1, "the message is gone, though the page says that it stays"
    assert [row["subject"] for row in stack.all("SELECT subject FROM runs")] == ["with"]


@BOTH_BROKERS
def test_what_the_documentation_says_of_sending_works(broker_url: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (PROJECT / "docs" / "broker.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    bells = Bells(broker_url)
    readme = (PROJECT / "README.md").read_text()
    (shown,) = re.findall(r"^    longhaul\.start\(.*\)$", readme, flags=re.MULTILINE)
    assert shown in str(app.sender.__doc__).replace("\n    ", "\n")
    environment = {"LONGHAUL_BROKER_URL": broker_url, "PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]}
    for n, block in enumerate(blocks, start=1):
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment, check=True, timeout=120)
        assert bells.waiting("intake") == n
    for data in (*_sent_data(bells, len(blocks)), {"claim_number": "CLM-1", "policy_number": "POL-1"}):
        INSURANCE_CLAIM.data.model_validate(data)
    bells.close()


def _sent_data(bells: Bells, count: int) -> list[Any]:
    """What the starts that lie in the queue say of their runs; they are taken from it."""
    with bells._channel() as channel:
        found = [channel.basic_get("intake", no_ack=True) for _ in range(count)]
        return [channel.message_to_python(message).decode()[0][2] for message in found]


def test_the_same_key_sent_twice_is_one_run_and_what_is_refused_is_seen(make_stack: MakeStack, broker_url: str) -> None:
    stack = make_stack("small_workflows:PAYING")
    stack.workers(1)
    with sender(broker_url) as longhaul:
        for _ in range(2):
            longhaul.start("paying", "once", BODY, key="order-1")
        longhaul.start("payment", "never", BODY)
    stack.wait(
        lambda: stack.all("SELECT 1 FROM refused_messages WHERE name = 'payment'"), "the wrong one to be refused"
    )
    stack.wait(lambda: stack.all(ENDED), "the run to end")
    assert [row["subject"] for row in stack.all("SELECT subject FROM runs")] == ["once"]


@BOTH_BROKERS
def test_a_connection_that_was_cut_or_crossed_a_fork_is_made_anew(broker_url: str) -> None:
    bells = Bells(broker_url)
    with sender(broker_url) as longhaul:
        longhaul.start("paying", "a", BODY)
        _cut(longhaul)
        longhaul.start("paying", "b", BODY)
        child = os.fork()
        if child == 0:
            try:
                longhaul.start("paying", "c", BODY)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        longhaul.start("paying", "d", BODY)
    assert bells.waiting("intake") == 4
    bells.close()


def _cut(longhaul: Sender) -> None:
    """As a firewall cuts off what stood idle: the sender's own end is not told."""
    connection = longhaul._connection
    if connection.transport.driver_type == "redis":
        with Connection(longhaul._url) as other, other.channel() as channel:
            channel.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    else:
        connection.connection.transport.sock.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_a_broker_that_hangs_or_is_away_is_an_error_that_says_what_to_do(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        port = hangs.getsockname()[1]
        url = f"{kind}://somebody:secret@127.0.0.1:{port}/"
        with sender(url, timeout_seconds=0.3) as longhaul, pytest.raises(NotSent, match="same key") as told:
            longhaul.start("paying", "a", BODY, key="order-1")
        assert "secret" not in str(told.value)
    with sender(url, timeout_seconds=0.3) as longhaul:
        for _ in range(2):
            with pytest.raises(NotSent, match="send it again with the same key"):
                longhaul.start("paying", "a", BODY, key="order-1")


@pytest.mark.parametrize("data", [{"x": object()}, {"x": float("nan")}, {"x": {1, 2}}])
def test_data_that_is_no_json_is_refused_before_it_is_sent(broker_url: str, data: dict[str, Any]) -> None:
    with sender(broker_url) as longhaul, pytest.raises(BadInput, match="data is no JSON"):
        longhaul.start("paying", "a", data)


@pytest.mark.parametrize("url", ["", "localhost", "ftp://x", "postgresql://x/y"])
def test_an_address_that_is_no_brokers_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="broker_url must begin with redis://"):
        sender(url)
