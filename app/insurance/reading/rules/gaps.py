"""What was not read, though the document speaks of it: said in notes, so that no sum is called wrong for it.

The law: a note that begins with a field's name, or 'lines', and a colon says that this is left out or incomplete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from app.core.values.amounts import amounts_in
from app.insurance.reading.extraction import Extracted
from app.insurance.reading.paper import Paper
from app.insurance.reading.rules.lines import Table
from app.insurance.reading.text import Line

_TAX_WORD = re.compile(
    r"\b(?:taxe?s?|vat|gst|hst|pst|qst|tva|mwst|ust|umsatzsteuer|mehrwertsteuer|iva|btw|moms|podatek|ptu)\b"
    r"(?! ?(?:id|no|number|nr|reg|invoice|payer|point|period|year|office|exempt)\b)"
)


def gaps(paper: Paper, fields: Mapping[str, Extracted], table: Table) -> Iterator[str]:
    """The notes, one sentence each."""
    if "tax" not in fields and any(_TAX_WORD.search(line.folded) for line in paper.lines):
        yield "tax: it is spoken of, but no amount of it could be read."
    if _more_between(paper, fields):
        yield "total: between it and the subtotal stands more than one tax."
    if table.cut:
        yield f"lines: there are more than {len(table.rows)} lines; those after them could not be read."
    if table.unread:
        yield f"lines: {table.unread} line(s) could not be read as items."
    elif table.rows and table.open_ended:
        yield "lines: it is not certain that these are all, nothing marks where they end or a number is missing."


def _more_between(paper: Paper, fields: Mapping[str, Extracted]) -> bool:
    """True when an amount stands between subtotal and total that is not the one tax."""
    first, last = (_line_of(fields.get(name), paper) for name in ("subtotal", "total"))
    if first is None or last is None:
        return False
    between = [line for line in paper.lines[first + 1 : last] if amounts_in(line.text, paper.habits.style)]
    taxes = [line for line in between if _is_only(line, paper, "tax")]
    others = [line for line in between if line not in taxes and not _is_only(line, paper, "subtotal")]
    return bool(others) or len(taxes) > 1


def _is_only(line: Line, paper: Paper, field: str) -> bool:
    return {label.meaning.field for label in paper.labels_of(line)} == {field}


def _line_of(fact: Extracted | None, paper: Paper) -> int | None:
    """The index of the line a fact was quoted from."""
    if fact is None:
        return None
    return next((n.index for n in paper.lines if n.page == fact.page and fact.quote in n.text), None)
