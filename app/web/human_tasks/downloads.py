"""Documents of a run, as downloads. The law: bytes that others sent are saved, never shown, by a browser of ours."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.core.errors import NotFound
from app.store.reads import pages
from app.store.records.documents import documents_of
from app.store.runs import runs
from app.web.http.session import Me, Rt

router = APIRouter()


@router.get("/runs/{run_id:uuid}/documents/{sha256}")
def download(rt: Rt, me: Me, run_id: UUID, sha256: str) -> Response:
    """One document of the run. Raises NotFound for bytes that are not the run's."""
    with pages.snapshot(rt.database) as db:
        listed = documents_of(db, run_id, runs.data_of(db, run_id))
    document = next((d for d in listed if d.sha256 == sha256), None)
    if document is None:
        raise NotFound(f"the run {run_id} has no document {sha256[:80]}")
    content = rt.documents.get(sha256)
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(document.filename, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        },
    )
