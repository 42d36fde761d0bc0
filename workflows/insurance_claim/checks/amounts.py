"""Do the sums hold: line by line, lines against total, total against what is claimed?"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from app.insurance.reading.extraction import DocumentFacts, Extracted
from workflows.insurance_claim.checks.statements import Statement, bills, evidence_of, policy_evidence, stated
from workflows.insurance_claim.models import ClaimFile, DocumentRef, Evidence, Finding

CENT = Decimal("0.01")
HIGHEST_TAX = Decimal("1.3")  # a total above its subtotal by less may contain a tax that nobody read


def check_lines_add_up(file: ClaimFile) -> Iterator[Finding]:
    """LINES_DO_NOT_ADD_UP: lines + tax = total within a cent per line, and quantity x price = amount in each line."""
    for ref, facts in bills(file):
        yield from _sums(ref, facts)
        yield from _products(ref, facts)


def check_claimed_total(file: ClaimFile) -> Iterator[Finding]:
    """CLAIMED_TOTAL_MISMATCH: the amount claimed is neither a bill's total nor the sum of the bills."""
    claims = [(amount, s) for s in stated(file, "amount_claimed") if (amount := _decimal(s.value)) is not None]
    if len({amount for amount, _ in claims}) > 1:
        said = "; ".join(f"{amount} ({s.evidence.filename})" for amount, s in claims)
        yield Finding(
            code="CLAIMED_TOTAL_MISMATCH",
            severity="blocking",
            summary=f"Different amounts are claimed: {said}.",
            evidence=[s.evidence for _, s in claims],
            why_uncertain="One may be an early estimate, or an amount may be misread.",
        )
    totals = _totals(file)
    if not totals:
        return
    fitting = {total for total, _, _ in totals} | {sum((total for total, _, _ in totals), Decimal(0))}
    unfit = [(amount, s) for amount, s in claims if not any(abs(amount - total) <= CENT for total in fitting)]
    if unfit:
        yield _mismatch(file, unfit, totals)


def check_currencies(file: ClaimFile) -> Iterator[Finding]:
    """CURRENCY_CONFLICT: the documents, the notice and the policy do not count in one currency."""
    told = [s for s in stated(file, "currency") if s.value and s.raw != "$"]  # a bare $ is several currencies
    evidence = [s.evidence for s in told]
    currencies = {s.value for s in told if s.value}
    if told and file.policy and file.policy.currency not in currencies:
        currencies.add(file.policy.currency)
        evidence.append(policy_evidence(file.policy.currency))
    if len(currencies) > 1:
        yield Finding(
            code="CURRENCY_CONFLICT",
            severity="blocking",
            summary=f"Amounts are stated in {' and '.join(sorted(currencies))}; they were not converted.",
            evidence=evidence,
            why_uncertain="The repair may have been made abroad, or a symbol may be misread.",
        )


def _totals(file: ClaimFile) -> list[tuple[Decimal, DocumentRef, Extracted]]:
    """The totals that the claim should match: invoices where there are any, else estimates; each number once."""
    known = [
        (total, ref, facts.fields["total"], facts)
        for ref, facts in bills(file)
        if (total := _amount(facts, "total")) is not None
    ]
    invoices = [entry for entry in known if entry[3].kind == "repair_invoice"]
    seen: set[object] = set()
    found = []
    for total, ref, fact, facts in invoices or known:
        number = facts.fields.get("invoice_number")
        identity = (facts.kind, number.value) if number else ref.id
        if identity not in seen:
            seen.add(identity)
            found.append((total, ref, fact))
    return found


def _mismatch(
    file: ClaimFile, unfit: list[tuple[Decimal, Statement]], totals: list[tuple[Decimal, DocumentRef, Extracted]]
) -> Finding:
    claimed = unfit[0][0]
    billed = sum((total for total, _, _ in totals), Decimal(0))
    deductibles = {c.deductible for c in file.policy.coverages if c.deductible} if file.policy else set()
    why = "Some of it may be for something else than this repair, or a total may be misread."
    if billed - claimed in deductibles:
        why = (
            f"The difference of {billed - claimed} is exactly a deductible of the policy: it may be taken off already."
        )
    names = ", ".join(f"{total} ({ref.filename})" for total, ref, _ in totals)
    return Finding(
        code="CLAIMED_TOTAL_MISMATCH",
        severity="blocking" if claimed > billed else "warning",
        summary=f"{claimed} is claimed, but the repair comes to {names}.",
        evidence=[*(s.evidence for _, s in unfit), *(evidence_of(ref, fact) for _, ref, fact in totals)],
        why_uncertain=why,
    )


def _sums(ref: DocumentRef, facts: DocumentFacts) -> Iterator[Finding]:
    """Claimed only of what was read whole: what is missing from a sum is no error of the paper's."""
    slack = CENT * max(len(facts.lines), 1)
    wrong = [said for said in (_total_wrong(facts, slack), _lines_wrong(facts, slack)) if said]
    if wrong:
        yield Finding(
            code="LINES_DO_NOT_ADD_UP",
            severity="blocking",
            summary=f"{ref.filename}: {'; '.join(wrong)}.",
            evidence=[*_sum_evidence(ref, facts), *(evidence_of(ref, line) for line in facts.lines)],
            why_uncertain="A line may have been missed or an amount misread; the paper itself may also be wrong.",
        )


def _total_wrong(facts: DocumentFacts, slack: Decimal) -> str | None:
    subtotal, tax, total = (_amount(facts, name) for name in ("subtotal", "tax", "total"))
    if subtotal is None or total is None or _left_open(facts) & {"subtotal", "tax", "total"}:
        return None
    if tax is None:
        may_be_a_tax = subtotal < total <= subtotal * HIGHEST_TAX
        return (
            None if may_be_a_tax or _agree(subtotal, total, slack) else f"the subtotal is {subtotal}, the total {total}"
        )
    if _agree(subtotal + tax, total, slack):
        return None
    return f"subtotal {subtotal} + tax {tax} = {subtotal + tax}, but the total is {total}"


def _lines_wrong(facts: DocumentFacts, slack: Decimal) -> str | None:
    subtotal, tax, total = (_amount(facts, name) for name in ("subtotal", "tax", "total"))
    left_open = _left_open(facts)
    if not facts.lines or "lines" in left_open:
        return None
    lines = sum((line.amount for line in facts.lines), Decimal(0))
    if subtotal is not None:
        # Lines may be printed with their tax: then they make the total, if the total itself is sound.
        sound = total is not None and _agree(subtotal + (tax or 0), total, slack)
        with_tax = sound and total is not None and _agree(lines, total, slack)
        wrong = not _agree(lines, subtotal, slack) and not with_tax
        return f"the {len(facts.lines)} lines come to {lines}, but the subtotal is {subtotal}" if wrong else None
    if total is None or left_open & {"subtotal", "tax", "total"}:
        return None
    net = total - (tax or 0)
    if _agree(lines, net, slack) or _agree(lines, total, slack):
        return None
    return f"the {len(facts.lines)} lines come to {lines}, but the total without tax is {net}"


def _left_open(facts: DocumentFacts) -> set[str]:
    """The fields, or 'lines', of which a note says that they are left out or incomplete."""
    return {note.partition(":")[0] for note in facts.notes if ":" in note}


def _agree(one: Decimal, other: Decimal, slack: Decimal) -> bool:
    return abs(one - other) <= slack


def _products(ref: DocumentRef, facts: DocumentFacts) -> Iterator[Finding]:
    wrong = [
        line
        for line in facts.lines
        if line.quantity is not None
        and line.unit_price is not None
        and abs(line.quantity * line.unit_price - line.amount) > CENT
    ]
    if wrong:
        line = wrong[0]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        yield Finding(
            code="LINES_DO_NOT_ADD_UP",
            severity="warning",
            summary=f"{ref.filename}: {line.quantity} x {line.unit_price} is not {line.amount} "
            f"({line.description}){more}.",
            evidence=[evidence_of(ref, line) for line in wrong],
            why_uncertain="A discount or a minimum charge may stand behind it, or a number may be misread.",
        )


def _sum_evidence(ref: DocumentRef, facts: DocumentFacts) -> list[Evidence]:
    return [evidence_of(ref, facts.fields[name]) for name in ("subtotal", "tax", "total") if name in facts.fields]


def _amount(facts: DocumentFacts, name: str) -> Decimal | None:
    fact = facts.fields.get(name)
    return _decimal(fact.value) if fact and isinstance(fact.value, str) else None


def _decimal(value: str | None) -> Decimal | None:
    try:
        number = Decimal(value) if value else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
