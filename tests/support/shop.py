"""Somebody else's project, written into a folder: an app of its own, shared tasks, a `celeryconfig`, logging of its own.

Its mails are lines of a file. Nothing in it knows Longhaul but the two places that start runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.programs import PROJECT

_FILES = {
    "celeryconfig.py": """
broker_url = "memory://"
task_default_queue = "of-somebody-else"
""",
    "shop/__init__.py": "from shop.celery import app as celery_app\n",
    "shop/celery.py": """
import os, signal
from celery import Celery, signals

app = Celery("shop", broker=os.environ["SHOP_BROKER_URL"], include=["shop.mails", "shop.orders"])
app.conf.update(task_default_queue="shop", worker_hijack_root_logger=False, broker_pool_limit=3)
app.autodiscover_tasks(["shop"])
""",
    "shop/mails.py": """
import os
from celery import shared_task

@shared_task
def mail(to):
    with open(os.environ["SHOP_MAILS"], "a") as file:
        file.write(to + "\\n")
""",
    "shop/orders.py": """
import json, os
from celery import shared_task
from shop.mails import mail
from tests.support.surroundings import changed, surroundings

def start_a_run(subject):
    import psycopg
    from app import client
    from tests.support.small_workflows import PAYING
    imported = surroundings()
    with psycopg.connect(os.environ["LONGHAUL_DATABASE_URL"]) as db:
        started = client.start(db, PAYING, subject=subject, data={})
    return client.ring(started), imported

@shared_task(bind=True)
def order(self, subject):
    before = surroundings()
    rung, _ = start_a_run(subject)
    found = {"rung": rung, "changed": changed(before, surroundings()), "children": len(self.request.children)}
    with open(os.environ["SHOP_MAILS"] + ".order", "w") as file:
        json.dump(found, file)
    mail.delay("from-the-worker")
""",
    "shop/sending.py": """
import json, os, sys, threading
import shop
from celery import current_app
from shop.mails import mail
from tests.support.surroundings import changed, surroundings

mail.delay("before")
before, modules = surroundings(), set(sys.modules)
from app.sender import sender
with sender(os.environ["LONGHAUL_BROKER_URL"]) as longhaul:
    longhaul.start("paying", "by-the-program", {"purposes": ["first"]}, key="one")
    other = threading.Thread(target=longhaul.start, args=["paying", "by-a-thread", {"purposes": ["first"]}])
    other.start()
    other.join()
after = surroundings()
mail.delay("after")
mail.apply_async(["by-its-app"])
ours = [name for name in set(sys.modules) - modules if name.startswith(("tasks", "workflows", "app.settings", "celeryconfig"))]
print(json.dumps({"changed": changed(before, after), "imported": ours, "current app": current_app.main}))
""",
    "shop/without_prefix.py": """
import json
from shop.celery import app
app.send_task("longhaul.start", args=["paying", "without", {"purposes": ["first"]}, "two"], queue="intake")
print(json.dumps({"sent": True}))
""",
    "shop/website.py": """
import json, threading
import shop
from shop.mails import mail
from shop.orders import order, start_a_run
from tests.support.surroundings import changed, surroundings

mail.delay("before")
before = surroundings()
rung, imported = start_a_run("from-the-website")
after = surroundings()
mail.delay("after")
other = threading.Thread(target=mail.delay, args=["from-a-thread"])
other.start()
other.join()
mail.apply_async(["by-its-app"])
order.delay("from-a-task")
print(json.dumps({"rung": rung, "by importing": changed(before, imported), "by ringing": changed(before, after)}))
""",
}


class Shop:
    """The project, and how its programs are started."""

    def __init__(self, folder: Path, environment: dict[str, str], broker_url: str) -> None:
        self.folder, self.mails = folder, folder / "mails"
        for name, text in _FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        self.environment = {
            **os.environ,
            **environment,
            "SHOP_BROKER_URL": broker_url,
            "SHOP_MAILS": str(self.mails),
            # What Celery reads by itself is theirs; ours is named by LONGHAUL_BROKER_URL.
            "CELERY_BROKER_URL": broker_url,
            "PYTHONPATH": os.pathsep.join((str(folder), str(PROJECT))),
        }

    def website(self) -> dict[str, Any]:
        """Run the program that sends mails and starts runs; what it says of itself."""
        return self.run("shop.website")

    def run(self, program: str) -> dict[str, Any]:
        """Run one of its programs; what that says of itself."""
        done = subprocess.run(
            [sys.executable, "-m", program],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @property
    def delivered(self) -> list[str]:
        """To whom mails were sent."""
        return self.mails.read_text().split() if self.mails.exists() else []

    def order(self) -> dict[str, Any] | None:
        """What the task that started a run saw in its worker, once it is done."""
        file = Path(f"{self.mails}.order")
        found: dict[str, Any] | None = json.loads(file.read_text()) if "from-the-worker" in self.delivered else None
        return found
