from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.payments_process import PaymentsProcess


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PaymentsProcess]:
    process = PaymentsProcess(tmp_path / "payments.sqlite")
    process.start()
    yield process
    process.stop()
