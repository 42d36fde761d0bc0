"""What is random is given out once: in a thread, among threads, and to a process and the child it forks."""

from __future__ import annotations

import subprocess
import sys
import threading
from uuid import RFC_4122

from app.core import ids

_FORK = """
import os
from app.core import ids
ids.new_token()
child = os.fork()
for _ in range(3):
    os.write(1, f"{ids.new_token()}\\n{ids.new_salt()}\\n".encode())
if child:
    os.wait()
"""


def test_no_token_and_no_salt_is_given_out_twice() -> None:
    given = list[str]()

    def draw() -> None:
        given.extend([str(ids.new_token()) for _ in range(500)] + [ids.new_salt() for _ in range(500)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(given)) == len(given) == 4 * 1000


def test_a_token_is_a_random_uuid_and_a_salt_64_bits() -> None:
    token, salt = ids.new_token(), ids.new_salt()
    assert (token.version, token.variant) == (4, RFC_4122)
    assert len(bytes.fromhex(salt)) == 8


def test_a_forked_child_is_given_none_of_its_parents_tokens() -> None:
    told = subprocess.run([sys.executable, "-c", _FORK], capture_output=True, text=True, check=True).stdout.split()
    assert len(set(told)) == len(told) == 2 * 6


def test_an_actor_is_a_worker_only_by_the_very_name_that_its_id_gives() -> None:
    worker = ids.new_id()
    assert ids.worker_of(f"worker:{worker}") == worker
    for other in (f"person:{worker}", f"worker:{worker.hex}", f"worker:{str(worker).upper()}", "worker:", "worker"):
        assert ids.worker_of(other) is None, "or else its text would not come back as it was"
