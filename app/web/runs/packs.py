"""The evidence pack of a run, as a download. The law: it is made whole before the first byte goes out, two at a time, and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from threading import BoundedSemaphore
from uuid import UUID

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from app.accounts.rights import Right, require
from app.engine.runtime import Runtime
from app.web.http.session import Me, Rt

router = APIRouter()
MEDIA_TYPE = "application/zip"
_AT_ONCE = BoundedSemaphore(2)  # packs being made by one web process: each reads all of a run
_PIECE = 256 * 1024


@router.get("/runs/{run_id:uuid}/evidence.zip")
def download(rt: Rt, me: Me, run_id: UUID) -> Response:
    """Everything of the run, signed. Raises NotEntitled or NotFound."""
    require(rt, me, Right.EXPORT)
    return pack_of(rt, run_id, by=f"person:{me.username}")


def pack_of(rt: Runtime, run_id: UUID, *, by: str) -> Response:
    """The pack as an answer that is sent piece by piece. Raises NotFound, or BadInput where there is no key to sign with."""
    from app.evidence.pack import evidence_pack  # late: what signs is 7 MB, and most processes make no pack

    with ExitStack() as making:
        with _AT_ONCE:
            pack = making.enter_context(evidence_pack(rt, run_id, by=by, open_document=rt.documents.opened))
        kept = making.pop_all()

    def pieces() -> Iterator[bytes]:
        with kept:
            while piece := pack.file.read(_PIECE):
                yield piece

    headers = {
        "Content-Length": str(pack.size),
        "Content-Disposition": f'attachment; filename="evidence-{run_id}.zip"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(pieces(), media_type=MEDIA_TYPE, headers=headers, background=BackgroundTask(kept.close))
