"""What docs/api.md shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

import app
from app.accounts import keys
from app.accounts.keys import SCOPES
from app.engine.runtime import Runtime
from app.settings import Settings
from tests.support.browsing import serving

_DOCS = Path(app.__file__).parents[1] / "docs" / "api.md"


def test_the_commands_of_the_documentation_work(web: Runtime, config: Settings, tmp_path: Path) -> None:
    commands = re.findall(r"^```sh\n(.*?)^```", _DOCS.read_text(), re.MULTILINE | re.DOTALL)
    key = keys.create(web, "ada.quillmore", name="docs", scopes=SCOPES, days=1, by="test").secret
    (tmp_path / "invoice.txt").write_text("A hundred euros")
    assert len(commands) == 6
    with serving(config.database_url, config.data_dir) as address:
        for command in commands:
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=tmp_path,
                env=os.environ | {"LONGHAUL": address, "KEY": key},
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )
            if "curl: not found" in done.stderr:
                pytest.skip("no curl is installed")
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
