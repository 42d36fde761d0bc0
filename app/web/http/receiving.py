"""A form with files, taken off the wire piece by piece. The law: memory does not grow with what is sent.

Each file goes to a nameless file on disk up to its limit; what is beyond is read and dropped, so that the browser hears the
answer. What is beyond all limits together is not even read.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from app.core.errors import BadInput

_FIELD_BYTES = 4096  # of all plain fields together
_ROOM = 1024 * 1024  # for the form around its files


class TooMuch(BadInput):
    """More was sent than all that is allowed together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many files, and bytes each."""

    files: int
    file_bytes: int

    @property
    def all_bytes(self) -> int:
        return self.files * self.file_bytes + _ROOM


@dataclass(slots=True)
class Sent:
    """A file that was sent. `content` is None where it was too large, or one too many."""

    filename: str
    size: int = 0
    content: IO[bytes] | None = None

    def drop(self) -> None:
        """Forget the bytes."""
        if self.content is not None:
            self.content.close()
            self.content = None


@dataclass(slots=True)
class Form:
    """What was sent: the plain fields, and the files in their order."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[Sent] = field(default_factory=list)


@asynccontextmanager
async def received(request: Request, limits: Limits, *, admitted: Callable[[Form], None]) -> AsyncIterator[Form]:
    """The form; its files last as long as the block. `admitted` is asked before the first file is taken, and may raise.

    Raises BadInput for what is no such form, TooMuch.
    """
    form = Form()
    try:
        await _take(request, form, limits, admitted)
        yield form
    finally:
        for sent in form.files:
            sent.drop()


async def _take(request: Request, form: Form, limits: Limits, admitted: Callable[[Form], None]) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise BadInput("send the form of the page, as multipart/form-data")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.all_bytes:
        raise TooMuch("more was sent than is allowed together")
    parser = MultipartParser(options[b"boundary"], _Parts(form, limits, admitted).callbacks())
    total = 0
    try:
        async for chunk in request.stream():
            total += len(chunk)
            if total > limits.all_bytes:
                raise TooMuch("more was sent than is allowed together")
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError:
        raise BadInput("what came is no whole form; send it again") from None
    admitted(form)


class _Parts:
    """Hears the parser and sorts the parts of the form."""

    def __init__(self, form: Form, limits: Limits, admitted: Callable[[Form], None]) -> None:
        self._form, self._limits, self._admitted = form, limits, admitted
        self._header, self._value, self._disposition = b"", b"", b""
        self._name: str | None = None
        self._text = b""
        self._file: Sent | None = None

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._header = self._value = self._disposition = self._text = b""
        self._name = self._file = None

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        name, filename = options.get(b"name", b""), options.get(b"filename")
        if filename is None:
            self._name = name.decode("utf-8", "replace")
        elif filename:  # a browser sends a part without a name where no file was chosen
            self._admitted(self._form)
            within = len(self._form.files) < self._limits.files
            content = tempfile.TemporaryFile() if within else None  # noqa: SIM115  # closed with the form
            self._file = Sent(filename.decode("utf-8", "replace"), content=content)
            self._form.files.append(self._file)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.size += end - start
            if self._file.size > self._limits.file_bytes:
                self._file.drop()
            elif self._file.content is not None:
                self._file.content.write(data[start:end])
        elif self._name is not None:
            self._text += data[start:end]
            if len(self._text) > _FIELD_BYTES:
                raise BadInput("a field of the form is too long")

    def _end(self) -> None:
        if self._name is not None and len(self._form.fields) < 10:
            self._form.fields[self._name] = self._text.decode("utf-8", "replace")
