"""Claims and their documents. The law: memory does not grow with what is sent; each file's limit is said, and kept to on the wire."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import IO, Any, overload
from urllib.parse import quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.documents.storage import MAX_BYTES, display_name
from app.insurance import intake
from app.insurance.api import statement
from app.store.reads import pages
from app.store.records.documents import documents_of
from app.store.runs import runs
from app.web.api import shapes
from app.web.api.answers import reply, shaped
from app.web.api.caller import Caller, Reader, Submitter
from app.web.api.examples import answers
from app.web.api.problems import Wrong
from app.web.api.repeat import HEADER, once
from app.web.api.routes.runs import RunName, run_named
from app.web.api.routing import MOST_JSON, Route
from app.web.http.receiving import Form, Limits, Sent, TooMuch, received
from app.web.http.session import Rt

router = APIRouter(route_class=Route, tags=["Claims and documents"])
LIMITS = Limits(files=intake.MAX_FILES, file_bytes=MAX_BYTES)
_DONE = answers(shapes.Claim, 400, 409, 413, 415, status=201, also=200)


class _Lazily(Sequence[tuple[str, bytes]]):
    """Files as (name, content), each read when it is asked for: only one is ever in memory."""

    def __init__(self, files: Sequence[Sent]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, at: int) -> tuple[str, bytes]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[tuple[str, bytes]]: ...
    def __getitem__(self, at: int | slice) -> tuple[str, bytes] | Sequence[tuple[str, bytes]]:
        if isinstance(at, slice):
            return _Lazily(self._files[at])
        sent = self._files[at]
        assert sent.content is not None
        sent.content.seek(0)
        return sent.filename, sent.content.read()


@router.post(
    "/claims",
    status_code=201,
    responses=_DONE,
    openapi_extra={
        "x-files": True,
        "requestBody": {"required": True, "content": {**statement.JSON, **statement.CLAIM_FORM}},
    },
)
async def submit(request: Request, rt: Rt, caller: Submitter, idempotency_key: str | None = HEADER) -> Response:
    """Begin a claim: a statement, documents, or both. The same claim with the same documents is the same run (200)."""

    def begin(stated: Mapping[str, Any], files: Sequence[tuple[str, bytes]]) -> Response:
        made = intake.submit(rt, stated, files, actor=caller.actor)
        answer = shapes.Claim(**asdict(made))
        return reply(answer, status=201 if made.new else 200, headers={"Location": f"/api/v1/runs/{made.run_id}"})

    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        body = await _body(request)
        return await run_in_threadpool(
            lambda: once(request, caller, lambda: begin(statement.read(body), ()), body=body)
        )
    return await _with_files(
        request,
        caller,
        kind,
        lambda form: begin(
            statement.read(form.fields["claim"]) if form.fields.get("claim", "").strip() else {}, _Lazily(form.files)
        ),
    )


@router.post(
    "/runs/{run}/documents",
    status_code=201,
    responses=answers(shapes.Documents, 404, 409, 413, 415, status=201),
    openapi_extra={
        "x-files": True,
        "requestBody": {"required": True, "content": statement.DOCUMENTS_FORM},
    },
)
async def upload(
    request: Request, rt: Rt, caller: Submitter, run: RunName, idempotency_key: str | None = HEADER
) -> Response:
    """Add documents to a claim; the same ones again change nothing."""

    def add(form: Form) -> Response:
        came = intake.upload(rt, run_named(rt, run), _Lazily(form.files), actor=caller.actor)
        items = [shaped(shapes.Document, stored.model_dump(), uploaded_by=caller.actor) for stored in came]
        return reply(shapes.Documents(items=items), status=201)

    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return await _with_files(request, caller, kind, add)


@router.get("/runs/{run}/documents", responses=answers(shapes.Documents, 404))
def list_documents(rt: Rt, caller: Reader, run: RunName) -> Response:
    """The documents of a run, and the letters it wrote."""
    run_id = run_named(rt, run)
    with pages.snapshot(rt.database) as db:
        found = documents_of(db, run_id, runs.data_of(db, run_id))
    return reply(shapes.Documents(items=[shaped(shapes.Document, row) for row in found]))


@router.get(
    "/runs/{run}/documents/{sha256}",
    response_class=Response,
    responses=answers(None, 404)
    | {
        200: {
            "description": "The bytes, as an attachment",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "(bytes)"}
            },
        }
    },
)
def download(rt: Rt, caller: Reader, run: RunName, sha256: str) -> Response:
    """One document, to be saved and never shown."""
    run_id = run_named(rt, run)
    with pages.snapshot(rt.database) as db:
        found = next((d for d in documents_of(db, run_id, runs.data_of(db, run_id)) if d.sha256 == sha256), None)
    if found is None:
        raise NotFound(f"the run {run_id} has no document {sha256[:80]}")
    name = quote(found.filename, safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(rt.documents.get(sha256), media_type="application/octet-stream", headers=headers)


async def _with_files(request: Request, caller: Caller, kind: str, work: Callable[[Form], Response]) -> Response:
    if kind != "multipart/form-data":
        raise Wrong(
            415,
            f"send multipart/form-data or, for a claim alone, application/json; this is {kind[:80] or 'of no type'}",
        )
    try:
        async with received(request, LIMITS, admitted=lambda form: None) as form:
            _within(form)
            return await run_in_threadpool(lambda: once(request, caller, lambda: work(form), body=_print_of(form)))
    except TooMuch:
        raise Wrong(
            413, f"more than {LIMITS.all_bytes:,} bytes together; send at most {LIMITS.files} files of 25 MB"
        ) from None


def _within(form: Form) -> None:
    if len(form.files) > LIMITS.files:
        raise Wrong(413, f"these are {len(form.files)} files; at most {LIMITS.files} at a time")
    for sent in form.files:
        if sent.size > LIMITS.file_bytes:
            name = display_name(sent.filename)
            raise Wrong(
                413,
                f"{name} is larger than {LIMITS.file_bytes:,} bytes (25 MB); split it, or scan it at a lower resolution",
            )


def _print_of(form: Form) -> str:
    """What was sent, whatever marks stood between its parts."""
    parts = [f"{name}={value}" for name, value in sorted(form.fields.items())]
    for sent in form.files:
        assert sent.content is not None
        sent.content.seek(0)
        parts.append(f"{sent.filename}:{_sha256(sent.content)}")
    return "\n".join(parts)


def _sha256(content: IO[bytes]) -> str:
    found = hashlib.sha256()
    while piece := content.read(1024 * 1024):
        found.update(piece)
    return found.hexdigest()


async def _body(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_JSON:
            raise Wrong(413, f"the body is larger than {MOST_JSON:,} bytes; send large content as a document")
    return body.decode("utf-8", "surrogateescape")
