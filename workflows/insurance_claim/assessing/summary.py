"""The run summary of a claim, and its last step: all that a model is ever told of one.

The law: typed facts with their places, never the words of a document. File names and passages are left away; what
stands in a document reaches a model only as a value that passed the rules for its field.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.core.canonical import canonical
from app.core.declarations.summary import Known, RunSummary, summarised
from app.insurance.reading.extraction import DocumentFacts
from workflows.insurance_claim.assessing.amounts_due import COVERAGE, billed, coverage_of
from workflows.insurance_claim.models import ClaimFile, Finding

_TYPED = (
    "claim_number",
    "policy_number",
    "date_of_loss",
    "document_date",
    "period_start",
    "period_end",
    "vin",
    "plate",
    "year",
    "police_report_number",
    "invoice_number",
    "claimant",
    "insured",
    "make",
    "model",
    "amount_claimed",
    "subtotal",
    "tax",
    "total",
    "deductible",
    "currency",
)
_REPEATS_WORDS = frozenset({"HIDDEN_TEXT", "INSTRUCTIONS_IN_DOCUMENT", "UNCONFIRMED_VALUE"})
_ROOM_FOR_FINDINGS, _SAID = 8000, 240  # characters
POLICY_DATABASE = "policy database"


def summary_of(file: ClaimFile) -> RunSummary:
    """What is known of the claim, the same for the same file."""
    return summarised(
        f"claim {file.claim_number}",
        amounts=_amounts(file),
        open_questions=_open(file),
        decisions=_decisions(file),
        facts=_facts(file),
    )


def last_step_of(file: ClaimFile) -> dict[str, Any]:
    """What VALIDATING found: the last step before the assessment."""
    findings: list[dict[str, Any]] = []
    room = _ROOM_FOR_FINDINGS
    for n, finding in enumerate(file.findings, start=1):
        told = {
            "id": f"n{n}",
            "code": finding.code,
            "severity": finding.severity,
            "says": _said(finding),
            "where": _places(file, finding),
        }
        room -= len(canonical(told))
        if room < 0:
            break
        findings.append(told)
    more = len(file.findings) - len(findings)
    step = {
        "state": "VALIDATING",
        "findings": findings,
        "missing_documents": [kind[:_SAID] for kind in file.missing[:10]],
    }
    return step | ({"left_out": f"{more} more findings, none graver"} if more else {})


def _amounts(file: ClaimFile) -> Iterator[Known]:
    total = billed(file)
    if total:
        yield Known("billed total", format(total.amount, "f"), _source(file, total.facts, total.page))
    coverage = coverage_of(file)
    if coverage and coverage.deductible is not None:
        yield Known("deductible", format(coverage.deductible, "f"), f"{POLICY_DATABASE}, {COVERAGE}")
    if coverage and coverage.limit is not None:
        yield Known("limit", format(coverage.limit, "f"), f"{POLICY_DATABASE}, {COVERAGE}")
    if file.amount_claimed is not None:
        yield Known("amount claimed", format(file.amount_claimed, "f"), "notice")
    if file.currency:
        yield Known("currency", file.currency, "claim file")


def _open(file: ClaimFile) -> Iterator[Known]:
    if file.policy is None:
        yield Known("policy", "not found in the policy database" if file.policy_checked else "its number is not known")
    if billed(file) is None:
        yield Known("billed total", "no document states a total that could be read with certainty")
    for facts in file.extractions:
        for doubt in facts.doubts:
            yield Known(f"{doubt.field} is read in two ways", "not settled", _source(file, facts, doubt.page))
    for kind in file.missing:
        yield Known("missing document", kind.replace("_", " "))
    for n, ref in enumerate(file.documents, start=1):
        if ref.status != "read":
            yield Known("document not read", ref.reason or ref.status, f"document {n}")


def _decisions(file: ClaimFile) -> Iterator[Known]:
    if file.siu_review:
        yield Known("investigation", file.siu_review.outcome, "special investigation unit")
    if file.sign_off:
        yield Known("sign-off", file.sign_off.verdict, file.sign_off.role)
    if file.review:
        amount = f" {file.review.amount:.2f} {file.review.currency or ''}" if file.review.amount is not None else ""
        yield Known("review", file.review.outcome + amount, file.review.role)


def _facts(file: ClaimFile) -> Iterator[Known]:
    if file.policy:
        policy = file.policy
        yield Known(
            "policy period", f"{policy.period_start.isoformat()} to {policy.period_end.isoformat()}", POLICY_DATABASE
        )
        yield Known("policy status", policy.status, POLICY_DATABASE)
        yield Known("policy number", policy.policy_number, POLICY_DATABASE)
        yield Known("named insured", policy.named_insured, POLICY_DATABASE)
        for coverage in policy.coverages:
            yield Known("coverage", coverage.code, POLICY_DATABASE)
    if file.date_of_loss:
        day = file.date_of_loss.value
        yield Known("date of loss", day.isoformat() if day else "not a single day", "notice")
    for name in _TYPED:
        for facts in file.extractions:
            fact = facts.fields.get(name)
            if fact and isinstance(fact.value, str):
                yield Known(name.replace("_", " "), fact.value, _source(file, facts, fact.page))
    for facts in file.extractions:
        if facts.lines:
            yield Known(
                "billed lines",
                f"{len(facts.lines)}, {sum(line.amount for line in facts.lines)} in all",
                _source(file, facts, None),
            )


def _source(file: ClaimFile, facts: DocumentFacts, page: int | None) -> str:
    n = next((n for n, ref in enumerate(file.documents, start=1) if ref.id == facts.document_id), 0)
    kind = facts.kind.replace("_", " ")
    return f"document {n}, {kind}" + (f", page {page}" if page else "")


def _said(finding: Finding) -> str:
    return "it repeats words of a document" if finding.code in _REPEATS_WORDS else finding.summary[:_SAID]


def _places(file: ClaimFile, finding: Finding) -> list[str]:
    numbers = {ref.id: n for n, ref in enumerate(file.documents, start=1)}
    told = [
        (f"document {numbers[e.document]}" if e.document in numbers else e.document)
        + (f", page {e.page}" if e.page else "")
        for e in finding.evidence[:5]
    ]
    return list(dict.fromkeys(told))
