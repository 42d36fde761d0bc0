"""Text as a reader of documents hands it over, page by page; and what every value is that crosses a process."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """A value that crosses a process: strict about its fields, immutable, JSON round trip."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PageText(Wire):
    """The text of one page, lines and columns kept; `number` counts from 1."""

    number: int = Field(ge=1)
    text: str
