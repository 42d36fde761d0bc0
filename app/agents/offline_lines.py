"""Line items: the rows of a table of parts, work and prices.

The law: a table is a header that names at least a description and an amount; a row is a line with both under them.
A list without a header is believed only when its amounts add up to a stated total. Rows that look like rows but
cannot be read are counted and said, because a sum without them would be wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from app.agents.offline_amounts import AmountRead, decimal_of, read_amount
from app.agents.offline_paper import Paper
from app.agents.offline_readers import Habits
from app.agents.offline_text import Cell, Line
from app.core.extraction import Extracted, LineItem

_MOST_ROWS = 500
_PATIENCE = 6  # lines without a row after which a table has ended
_ROLES: dict[str, str] = {
    "description": """
        description | item | items | part | parts | service | services | operation | work | details | designation
        product | bezeichnung | beschreibung | leistung | libelle | article | artikel | task | repair
        description of work | work performed | parts/labor | parts and labor | part description | item description
        description of operation""",
    "number": "# | no | no. | nr | pos | pos. | line | lp | position | item #",
    "part_number": "sku | code | ref | reference | part # | part no | part no. | part number | partno",
    "kind": "type | op | category | kind",
    "quantity": """
        qty | quantity | hours | hrs | units | nombre | quantite | menge | anzahl | qte | stunden | labor hours
        labour hours | qty/hrs | qty / hrs | qty/hours""",
    "unit": """
        rate | price | each | unit | p.u. | p.u. ht | pu | einzelpreis | cost | unit price | unit cost | price each
        prix unitaire | hourly rate""",
    "amount": """
        amount | total | sum | montant | betrag | gesamt | gesamtpreis | net | netto | extended | line total | value
        total price | total amount | montant ht | line amount | net amount | ext price | ext. price | extended price
        total cost | ext | ext.""",
    "tax": "tax | vat | tva | mwst | ust | gst | % | tax amount | vat amount | tax rate | vat rate | % tva | vat %",
    "gross": "gross | brutto | ttc | montant ttc | gross amount | total ttc | total incl. vat",
}
_HEADERS = {
    phrase.strip(): role for role, text in _ROLES.items() for phrase in re.split(r"[|\n]", text) if phrase.strip()
}
_REMARK = re.compile(r"\([^)]*\)|\b(?:usd|eur|gbp|chf|pln)\b|[$€£:*]")
_LABOUR = re.compile(
    r"\b(?:labou?r|hours?|hrs?|refinish(?:ing)?|paint(?:ing|work)?|respray|repair(?:ing)?|replac(?:e|ing)|r&i|r&r"
    r"|align(?:ment|ing)?|calibrat\w+|diagnos\w+|straighten\w*|blend\w*|install\w*|fitting|remov\w+"
    r"|arbeitslohn|main d'oeuvre|lackier\w+)\b"
)
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


def tables_in(paper: Paper) -> Table:
    """All rows of all tables of the document."""
    table = Table()
    for line in paper.lines:
        columns = _columns(line) if line.index not in table.used else None
        if columns:
            table.used.add(line.index)
            _read_rows(columns, line.index + 1, paper, table)
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
        amount = _whole_amount(_text(line, line.cells[-1]), paper.habits)
        description = _text(line, line.cells[0])
        if amount and amount.certain and any(c.isalpha() for c in description):
            rows.append(_item(line, {"description": description}, amount, paper.habits))
    return rows if len(rows) > 1 and sum(row.amount for row in rows) == Decimal(str(wanted.value)) else []


def _columns(line: Line) -> dict[str, Cell] | None:
    """Role → header cell, if the line is the header of a table of items."""
    roles: dict[str, Cell] = {}
    known = 0
    for cell in line.cells:
        role = _role(line.folded[cell.start : cell.end])
        known += role is not None
        if role and (role not in roles or role == "amount"):
            roles[role] = cell
    if "amount" not in roles and "unit" in roles:
        roles["amount"] = roles.pop("unit")
    if "amount" not in roles and "gross" in roles:
        roles["amount"] = roles.pop("gross")
    whole = known >= 2 and known * 3 >= len(line.cells) * 2
    return roles if whole and "amount" in roles and "description" in roles else None


def _role(words: str) -> str | None:
    plain = " ".join(_REMARK.sub(" ", words).split())
    return _HEADERS.get(plain)


def _read_rows(columns: dict[str, Cell], start: int, paper: Paper, table: Table) -> None:
    """Add the rows below a header to `table`, up to a line of totals or the next header."""
    without = 0
    for line in (paper.lines[index] for index in range(start, len(paper.lines))):
        if line.blank:
            continue
        if _ends_table(line, paper) or _columns(line):
            return
        row = _row(columns, line, paper.habits)
        if row and len(table.rows) >= _MOST_ROWS:
            table.cut = True
            return
        if row:
            table.rows.append(row)
            table.used.add(line.index)
            without = 0
            continue
        under_amount = [cell for cell in line.cells if _column_of(cell, columns) == "amount"]
        if under_amount and any(c.isdigit() for c in _text(line, under_amount[-1])):
            table.unread += 1
        without += 1
        if without > _PATIENCE:
            return


def _ends_table(line: Line, paper: Paper) -> bool:
    """True for a line of totals: such a label where a row begins, and an amount in the line."""
    return any(
        label.at_cell_start and label.meaning.field in ("subtotal", "tax", "total", "due", "deductible")
        for label in paper.labels_of(line)
    ) and any(_whole_amount(_text(line, cell).rpartition(":")[2].strip(), paper.habits) for cell in line.cells)


def _row(columns: dict[str, Cell], line: Line, habits: Habits) -> LineItem | None:
    parts: dict[str, str] = {}
    for cell in line.cells:
        role = _column_of(cell, columns)
        parts[role] = f"{parts.get(role, '')} {_text(line, cell)}".strip()
    amount = _whole_amount(parts.get("amount", ""), habits)
    if amount is None or not any(c.isalpha() for c in parts.get("description", "")):
        return None
    return _item(line, parts, amount, habits)


def _column_of(cell: Cell, columns: dict[str, Cell]) -> str:
    """The role of the header a cell stands under: the nearest, and of several the best aligned at one edge."""

    def misfit(role: str) -> tuple[int, int]:
        header = columns[role]
        edges = min(abs(header.start - cell.start), abs(header.end - cell.end))
        return header.distance(cell), edges

    return min(columns, key=misfit)


def _whole_amount(text: str, habits: Habits) -> AmountRead | None:
    """The amount a cell consists of; None when anything else stands there too."""
    read = read_amount(text, habits.style)
    return read if read and read.end == len(text) else None


def _number(text: str, habits: Habits) -> Decimal | None:
    """A quantity: '2', '1.5', '3,25', '4 hrs'."""
    match = re.match(
        r"(\d+(?:[.,]\d+)?)\s?(?:x|h|hrs?|hours?|pcs?|ea|each|l|kg|std|stk)?\.?$", text.strip(), re.IGNORECASE
    )
    return decimal_of(match[1], habits.style) if match else None


def _item(line: Line, parts: dict[str, str], amount: AmountRead, habits: Habits) -> LineItem:
    unit = _whole_amount(parts.get("unit", ""), habits)
    return LineItem(
        description=parts["description"][:200],
        kind=_kind(parts["description"], parts.get("kind", "")),
        quantity=_number(parts.get("quantity", ""), habits),
        unit_price=unit.value if unit else None,
        amount=amount.value,
        page=line.page,
        quote=line.text.strip(),
    )


def _kind(description: str, stated: str) -> Literal["part", "labour", "other"]:
    """Part, work or fee: as a column states it, else by the words; what is neither work nor fee is a part."""
    word = stated.strip().lower()
    if word.startswith(("part", "teil", "piece")) or word == "p":
        return "part"
    if word.startswith(("lab", "work", "paint", "refinish", "arbeit", "main")) or word in ("l", "op"):
        return "labour"
    folded = f"{word} {description.lower()}"
    if _FEE.search(folded):
        return "other"
    return "labour" if _LABOUR.search(folded) else "part"


def _text(line: Line, cell: Cell) -> str:
    return line.text[cell.start : cell.end].strip()
