"""The columns of a table of items: which header means what, and which header a cell stands under.

The law: a header is believed when most of its cells are known words and it names at least a description and an amount.
Of two columns that could be the description the one that names the part is it; the other says what is done to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.insurance.reading.text import Cell, Line

_ROLES: dict[str, str] = {
    "description": """
        description | item | items | part | parts | service | services | designation | product | bezeichnung
        beschreibung | leistung | libelle | article | artikel | description of work | work performed | parts/labor
        parts and labor | parts & labor | part description | item description | description of operation | details
        component | part name | repair item | line item""",
    "operation": """
        operation | op | op. | oper | oper. | work | task | repair | action | type of work | work type | procedure
        operations""",
    "number": "# | no | no. | nr | nr. | pos | pos. | line | line # | line no. | lp | position | item # | item no.",
    "part_number": "sku | code | ref | ref. | reference | part # | part no | part no. | part number | partno",
    "kind": "type | category | kind",
    "quantity": """
        qty | qty. | quantity | hours | hrs | hrs. | units | nombre | quantite | menge | anzahl | qte | stunden
        labor hours | labour hours | labor hrs | labour hrs | qty/hrs | qty / hrs | qty/hours | h | time""",
    "unit": """
        rate | price | each | unit | p.u. | p.u. ht | pu | einzelpreis | cost | unit price | unit cost | price each
        prix unitaire | hourly rate | labor rate | labour rate | rate/h | rate per hour""",
    "surcharge": """
        parts price | parts cost | part price | part cost | parts | part | materials | material | labor | labour
        labor cost | labour cost | paint | parts amount | labor amount | labour amount""",
    "amount": """
        amount | total | sum | montant | betrag | gesamt | gesamtpreis | net | netto | extended | line total | value
        total price | total amount | montant ht | line amount | net amount | ext price | ext. price | extended price
        total cost | ext | ext.""",
    "tax": "tax | vat | tva | mwst | ust | gst | % | tax amount | vat amount | tax rate | vat rate | % tva | vat %",
    "gross": "gross | brutto | ttc | montant ttc | gross amount | total ttc | total incl. vat",
}


def _roles_by_words() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for role, text in _ROLES.items():
        for phrase in re.split(r"[|\n]", text):
            if phrase.strip():
                found.setdefault(phrase.strip(), []).append(role)
    return found


_HEADERS = _roles_by_words()
_REMARK = re.compile(r"\([^)]*\)|\b(?:usd|eur|gbp|chf|pln)\b|[$€£:*]")


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a table of items; exactly one column is the `description`, exactly one the `amount`."""

    columns: tuple[tuple[str, Cell], ...]

    def has(self, role: str) -> bool:
        """True when there is such a column."""
        return any(known == role for known, _ in self.columns)

    def role_of(self, cell: Cell) -> str:
        """The role of the header a cell stands under: the nearest, of several the best aligned at one edge."""

        def misfit(column: tuple[str, Cell]) -> tuple[int, int]:
            header = column[1]
            return header.distance(cell), min(abs(header.start - cell.start), abs(header.end - cell.end))

        return min(self.columns, key=misfit)[0]


def header_in(line: Line) -> Header | None:
    """The header that `line` is, or None."""
    if len(line.cells) < 2:
        return None
    words = [" ".join(_REMARK.sub(" ", line.folded[cell.start : cell.end]).split()) for cell in line.cells]
    meanings = [_HEADERS.get(plain, []) for plain in words]
    roles = _settled(meanings)
    known = sum(bool(meaning) for meaning in meanings)
    if known * 3 < len(line.cells) * 2 or roles.count("amount") != 1 or roles.count("description") != 1:
        return None
    return Header(tuple(zip(roles, line.cells, strict=True)))


def _settled(meanings: list[list[str]]) -> list[str]:
    """One role per column: the description is the first that can be one, the amount the last."""
    roles = [meaning[0] if meaning else "" for meaning in meanings]
    named = next((n for n, meaning in enumerate(meanings) if "description" in meaning), None)
    if named is None:
        named = next((n for n, meaning in enumerate(meanings) if "operation" in meaning), None)
    for n, meaning in enumerate(meanings):
        if n == named:
            roles[n] = "description"
        elif roles[n] == "description":
            roles[n] = "surcharge" if "surcharge" in meaning else ""
    for standing_in in ("amount", "gross", "unit", "surcharge"):
        found = [n for n, role in enumerate(roles) if role == standing_in]
        if found and (standing_in == "amount" or "amount" not in roles):
            for n in found:
                roles[n] = ""
            roles[found[-1]] = "amount"
    return roles
