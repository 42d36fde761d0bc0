"""Line items: the rows of a table of parts, work and prices.

The law: a table is a header that names at least a description and an amount; a row is a line with both under them.
A list without a header is believed only when its amounts add up to a stated total. Rows that look like rows but
cannot be read are counted and said, because a sum without them would be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from app.core.values.amounts import AmountRead, amounts_in, decimal_of, read_amount
from app.insurance.reading.extraction import Extracted, LineItem
from app.insurance.reading.paper import Paper
from app.insurance.reading.readers import Habits
from app.insurance.reading.rules.columns import Header, header_in
from app.insurance.reading.text import Cell, Line

_MOST_ROWS = 500
_PATIENCE = 6  # lines without a row after which a table has ended
_LABOUR = re.compile(
    r"\b(?:labou?r|hours?|hrs?|refinish(?:ing)?|paint(?:ing|work)?|respray|repair(?:ing)?|replac(?:e|ing)|r&i|r&r"
    r"|align(?:ment|ing)?|calibrat\w+|diagnos\w+|straighten\w*|blend\w*|install\w*|fitting|remov\w+"
    r"|arbeitslohn|main d'oeuvre|lackier\w+)\b"
)
_REPLACED = re.compile(r"\b(?:replac|renew|new|exchange|r&r|part)")
_FEE = re.compile(
    r"\b(?:suppl(?:y|ies)|shipping|freight|delivery|disposal|environmental|fees?|towing|storage|materials?|consumables|sundries|"
    r"discount|rental|hazardous|administration|valet|porto|versand)\b"
)


@dataclass
class Table:
    """The rows found, the lines they used, how many rows could not be read, and whether there are more than we take."""

    rows: list[LineItem] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    unread: int = 0
    cut: bool = False
    open_ended: bool = False  # no line of totals ends it, or its numbers have a gap


def tables_in(paper: Paper) -> Table:
    """All rows of all tables of the document."""
    table = Table()
    for line in paper.lines:
        header = header_in(line) if line.index not in table.used else None
        if header:
            table.used.add(line.index)
            _read_rows(header, line.index + 1, paper, table)
    return table


def listed_without_header(paper: Paper, facts: dict[str, Extracted]) -> list[LineItem]:
    """'Front bumper …… 450.00' lines, if together they make the stated subtotal (or the total, without a tax)."""
    wanted = facts.get("subtotal") or (facts.get("total") if "tax" not in facts else None)
    if wanted is None or wanted.value is None:
        return []
    rows: list[LineItem] = []
    for line in paper.lines:
        if len(line.cells) < 2 or paper.labels_of(line):
            continue
        amount = whole_amount(_text(line, line.cells[-1]), paper.habits)
        description = _text(line, line.cells[0])
        if amount and amount.certain and any(c.isalpha() for c in description):
            rows.append(_item([line], {"description": description}, amount, paper.habits))
    return rows if len(rows) > 1 and sum(row.amount for row in rows) == Decimal(str(wanted.value)) else []


def _read_rows(header: Header, start: int, paper: Paper, table: Table) -> None:
    """Add the rows below a header to `table`, up to a line of totals or the next header."""
    without, ended, numbers = 0, False, list[int]()
    waiting: list[Line] = []  # lines that hold words under the description and nothing else
    for line in paper.lines[start:]:
        if line.blank:
            continue
        ended = _ends_table(line, paper) or header_in(line) is not None
        if ended or without > _PATIENCE:
            break
        if _is_group_total(header, line):
            table.used.add(line.index)
            continue
        cells = _by_role(header, line)
        row = _row(cells, line, waiting, paper.habits)
        if row and len(table.rows) >= _MOST_ROWS:
            table.cut = True
            return
        if row:
            table.rows.append(row)
            table.used.update([line.index, *(above.index for above in waiting if not cells.get("description"))])
            numbers += [int(cells["number"])] if re.fullmatch(r"\d{1,4}", cells.get("number", "")) else []
            without, waiting = 0, []
            continue
        without += 1
        if set(cells) <= {"description", "operation"} and not amounts_in(line.text, paper.habits.style):
            waiting = [*waiting, line] if not _continued(table, line, cells.get("description", "")) else waiting
        elif any(c.isdigit() for c in cells.get("amount", "")) or amounts_in(line.text, paper.habits.style):
            table.unread += 1
    table.open_ended |= not ended or _has_gap(numbers)


def _has_gap(numbers: list[int]) -> bool:
    return any(after != before + 1 for before, after in pairwise(numbers))


def _is_group_total(header: Header, line: Line) -> bool:
    """'Total parts', 'Labor total': a sum of rows, not a row."""
    words = _by_role(header, line).get("description", "").lower().strip(" :").split()
    return len(words) > 1 and "total" in (words[0], words[-1])


def _continued(table: Table, line: Line, words: str) -> bool:
    """Add `words` to the description right above if they plainly go on with it; True if they did."""
    last = table.rows[-1] if table.rows else None
    if last is None or not words or line.index - 1 not in table.used or line.page != last.page:
        return False
    hyphened = last.description.endswith("-") and words[0].islower()
    if not hyphened and not words[0].islower() and words[0] not in "(,":
        return False
    whole = last.description[:-1] + words if hyphened else f"{last.description} {words}"
    table.rows[-1] = last.model_copy(update={"description": whole[:200]})
    table.used.add(line.index)
    return True


def _ends_table(line: Line, paper: Paper) -> bool:
    """True for a line of totals: such a label where a row begins, and an amount in the line."""
    return any(
        label.at_cell_start and label.meaning.field in ("subtotal", "tax", "total", "due", "deductible")
        for label in paper.labels_of(line)
    ) and any(whole_amount(_text(line, cell).rpartition(":")[2].strip(), paper.habits) for cell in line.cells)


def _by_role(header: Header, line: Line) -> dict[str, str]:
    """What stands under each header, by its role."""
    parts: dict[str, str] = {}
    for cell in line.cells:
        role = header.role_of(cell)
        parts[role] = f"{parts.get(role, '')} {_text(line, cell)}".strip()
    return parts


def _row(cells: dict[str, str], line: Line, waiting: list[Line], habits: Habits) -> LineItem | None:
    """The item of a line; its description may stand alone on the lines right above."""
    amount = whole_amount(cells.get("amount", ""), habits)
    if amount is None:
        return None
    if any(c.isalpha() for c in cells.get("description", "")):
        return _item([line], cells, amount, habits)
    adjacent = waiting and waiting[-1].index == line.index - 1 and waiting[-1].page == line.page
    if not adjacent or cells.get("description"):
        return None
    above = " ".join(_text(waiting[-1], cell) for cell in waiting[-1].cells)
    return _item([waiting[-1], line], {**cells, "description": above}, amount, habits)


def whole_amount(text: str, habits: Habits) -> AmountRead | None:
    """The amount a cell consists of; None when anything else stands there too."""
    read = read_amount(text, habits.style)
    return read if read and read.end == len(text) else None


def _number(text: str, habits: Habits) -> Decimal | None:
    """A quantity: '2', '1.5', '3,25', '4 hrs'."""
    match = re.match(
        r"(\d{1,9}(?:[.,]\d{1,4})?)\s?(?:x|h|hrs?|hours?|pcs?|ea|each|l|kg|std|stk)?\.?$", text.strip(), re.IGNORECASE
    )
    return decimal_of(match[1], habits.style) if match else None


def _item(lines: list[Line], cells: dict[str, str], amount: AmountRead, habits: Habits) -> LineItem:
    """An amount made of work and parts is no quantity times a price: then neither is stated."""
    unit = whole_amount(cells.get("unit", ""), habits)
    extra = whole_amount(cells.get("surcharge", ""), habits)
    mixed = "surcharge" in cells
    return LineItem(
        description=cells["description"][:200],
        kind="part" if extra and extra.value > 0 else kind_of_line(cells["description"], cells),
        quantity=None if mixed else _number(cells.get("quantity", ""), habits),
        unit_price=unit.value if unit and not mixed else None,
        amount=amount.value,
        page=lines[0].page,
        quote="\n".join(line.text.strip() for line in lines),
    )


def kind_of_line(description: str, cells: Mapping[str, str]) -> Literal["part", "labour", "other"]:
    """Part, work or fee: as a column states it, else by the words; what is neither work nor fee is a part."""
    word = cells.get("kind", "").strip().lower()
    if word.startswith(("part", "teil", "piece")) or word == "p":
        return "part"
    if word.startswith(("lab", "work", "paint", "refinish", "arbeit", "main")) or word in ("l", "op"):
        return "labour"
    folded = f"{word} {description.lower()}"
    if _FEE.search(folded):
        return "other"
    operation = cells.get("operation", "").lower()
    if operation:  # a column of its own says what is done: what is replaced is a part
        return "part" if _REPLACED.search(operation) else "labour"
    return "labour" if _LABOUR.search(folded) else "part"


def _text(line: Line, cell: Cell) -> str:
    return line.text[cell.start : cell.end].strip()
