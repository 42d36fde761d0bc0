"""A claimant's browser, and a web process over runs that wait for their claimants: no workers, no broker, real Postgres."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from starlette.testclient import TestClient

from app.engine.runtime import Runtime
from app.engine.start import start
from app.insurance.claimant import claimant_links
from app.store.database import Database
from app.web.application import application
from tests.support.awaiting_documents import AWAITING_DOCUMENTS
from tests.support.journey import Travel, travel
from workflows.insurance_claim.models import ClaimFile, DocumentRef

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
File = tuple[str, bytes]


@dataclass
class Claimant:
    """Somebody with a link."""

    http: TestClient
    token: str

    def get(self, token: str = "") -> Any:
        """The page of the link."""
        return self.http.get(f"/c/{token or self.token}")

    def form(self) -> str:
        """What the page's form carries."""
        found = re.search(r'name="form" value="([^"]+)"', self.get().text)
        return found[1] if found else ""

    def send(self, *files: File, form: str | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """Send the form with files."""
        return self.http.post(
            f"/c/{self.token}",
            data={"form": self.form() if form is None else form},
            files=[("files", file) for file in files] or [("files", ("", b""))],
            headers={"Sec-Fetch-Site": "same-origin", **(headers or {})},
        )


@dataclass
class Post:
    """Runs that wait for documents, the web process over them, and links to them."""

    journey: Travel
    web: Runtime
    http: TestClient

    def run(self, subject: str = "CLM-1", missing: Sequence[str] = ("police_report",)) -> UUID:
        """A run that waits for its claimant."""
        unread = DocumentRef(
            id="d1",
            sha256="0" * 64,
            filename="scan.doc",
            media_type="application/msword",
            size=9,
            status="unreadable",
            reason="UNSUPPORTED_TYPE",
        )
        data = ClaimFile(claim_number=subject, missing=list(missing), documents=[unread])
        with self.journey.rt.database.transaction() as db:
            run_id = start(db, AWAITING_DOCUMENTS, subject=subject, data=data, key=None, actor="test").run_id
        self.journey.go()
        return run_id

    def link(self, run_id: UUID, *, days: float = 14) -> tuple[Claimant, UUID]:
        """A link to a run, and its id."""
        made = claimant_links.make(self.web, run_id, by="ada", asks="police report", days=days)
        # A client of its own each: nobody has another's cookies.
        return Claimant(TestClient(self.http.app, base_url="http://127.0.0.1:8710"), made.token), made.id

    def documents(self, run_id: UUID) -> list[str]:
        """The names of the documents listed under a run."""
        found = self.journey.rows(
            "SELECT filename FROM documents WHERE run_id = %s ORDER BY created_at, filename", run_id
        )
        return [row["filename"] for row in found]


@contextmanager
def post_office(url: str, folder: Path, **settings: Any) -> Iterator[Post]:
    """Everything for one test; closed at the end. Ada may invite, Otto, an operator, may not."""
    with travel(url, workflows=(AWAITING_DOCUMENTS,), data_dir=folder, **settings) as journey:
        journey.enrol("ada", "adjuster")
        journey.enrol("otto", "operator")
        database = Database(url, "web")
        web = replace(journey.rt, database=database)
        try:
            client = TestClient(application(web), base_url="http://127.0.0.1:8710", raise_server_exceptions=False)
            yield Post(journey, web, client)
        finally:
            database.close()
