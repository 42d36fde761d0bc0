"""Is it one claim, one policy, one vehicle, one person in every document?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from workflows.insurance_claim.checks.names import same_name
from workflows.insurance_claim.checks.statements import Statement, policy_evidence, stated
from workflows.insurance_claim.checks.vin import check_digit, has_valid_check_digit
from workflows.insurance_claim.models import ClaimFile, Evidence, Finding, Severity

_NAMES = {
    "claim_number": "claim number",
    "policy_number": "policy number",
    "vin": "VIN",
    "plate": "licence plate",
    "claimant": "claimant's name",
    "insured": "insured's name",
}
_WHY_NUMBERS = "A misread or mistyped character looks the same as a document from another case."
_WHY_NAMES = (
    "Names were compared without titles, accents and order, initials allowed; a married name or a typing error "
    "remains possible."
)
_REFERENCES: dict[str, Severity] = {
    "claim_number": "blocking",
    "policy_number": "blocking",
    "vin": "blocking",
    "plate": "warning",
}


def check_policy_found(file: ClaimFile) -> Iterator[Finding]:
    """POLICY_NOT_FOUND: coverage cannot be judged."""
    if file.policy is not None:
        return
    numbers = stated(file, "policy_number")
    number = file.policy_number or next((s.value for s in numbers if s.value), None)
    summary = f"Policy {number} is not in the policy database." if number else "Nobody stated a policy number."
    yield Finding(
        code="POLICY_NOT_FOUND",
        severity="blocking",
        summary=summary,
        evidence=[s.evidence for s in numbers],
        why_uncertain="The number may be mistyped, or the policy may be kept in another system.",
    )


def check_identity(file: ClaimFile) -> Iterator[Finding]:
    """IDENTITY_CONFLICT, one finding per field that differs."""
    for field, severity in _REFERENCES.items():
        yield from _conflict(field, severity, _with_file(file, field), same_reference, _WHY_NUMBERS)
    for field in ("claimant", "insured"):
        yield from _conflict(field, "warning", _with_file(file, field), same_name, _WHY_NAMES)
    yield from _stranger(file)


def check_vin_digits(file: ClaimFile) -> Iterator[Finding]:
    """VIN_CHECK_DIGIT, one finding per VIN that fails."""
    by_vin: dict[str, list[Evidence]] = {}
    for statement in stated(file, "vin"):
        if statement.value:
            by_vin.setdefault(_plain(statement.value), []).append(statement.evidence)
    for vin, evidence in by_vin.items():
        if has_valid_check_digit(vin):
            continue
        wanted = check_digit(vin)
        detail = f"position 9 should be {wanted}, not {vin[8]}" if wanted else "it has a wrong length or uses I, O or Q"
        yield Finding(
            code="VIN_CHECK_DIGIT",
            severity="warning",
            summary=f"VIN {vin} fails its check digit: {detail}.",
            evidence=evidence,
            why_uncertain="One misread character is enough; outside North America makers need not use the check digit.",
        )


def same_reference(one: str, other: str) -> bool:
    """True when two numbers agree but for case, blanks and punctuation."""
    return _plain(one) == _plain(other)


def _plain(reference: str) -> str:
    return "".join(c for c in reference.upper() if c.isalnum())


def _with_file(file: ClaimFile, field: str) -> list[Statement]:
    """All statements, and what the company itself has on file for the field."""
    known = stated(file, field)
    policy = file.policy
    own: list[tuple[str, Evidence]] = []
    if field == "claim_number" and not file.number_is_provisional:
        own = [(file.claim_number, Evidence(document="claim", filename="claim file", quote=file.claim_number))]
    elif policy and field == "policy_number":
        own = [(policy.policy_number, policy_evidence(policy.policy_number))]
    elif policy and field == "insured":
        own = [(policy.named_insured, policy_evidence(policy.named_insured))]
    elif policy and field in ("vin", "plate"):
        insured = [value for vehicle in policy.vehicles if (value := getattr(vehicle, field))]
        # One of several insured vehicles had the accident: the policy agrees with whoever names any of them.
        strangers = [s for s in known if s.value and not any(same_reference(s.value, v) for v in insured)]
        own = [(value, policy_evidence(value)) for value in insured[:1]] if strangers else []
    return known + [Statement(field, value, value, None, 1.0, evidence) for value, evidence in own]


def _conflict(
    field: str, severity: Severity, statements: list[Statement], same: Callable[[str, str], bool], why: str
) -> Iterator[Finding]:
    valued = [(s, s.value) for s in statements if s.value]
    if all(same(one, other) for (_, one), (_, other) in combinations(valued, 2)):
        return
    distinct: list[tuple[Statement, str]] = []
    for statement, value in valued:
        if not any(same(value, known) for _, known in distinct):
            distinct.append((statement, value))
    said = "; ".join(f"{value} ({s.evidence.filename})" for s, value in distinct)
    yield Finding(
        code="IDENTITY_CONFLICT",
        severity=severity,
        summary=f"The {_NAMES[field]} differs: {said}.",
        evidence=[s.evidence for s, _ in valued],
        why_uncertain=why,
    )


def _stranger(file: ClaimFile) -> Iterator[Finding]:
    """A claimant who is neither the named insured nor a listed driver."""
    claimants = [s for s in stated(file, "claimant") if s.value]
    if file.policy is None or not claimants:
        return
    known = [file.policy.named_insured, *file.policy.drivers]
    strangers = [s for s in claimants if not any(same_name(s.value or "", name) for name in known)]
    if strangers:
        yield Finding(
            code="IDENTITY_CONFLICT",
            severity="warning",
            summary=f"{strangers[0].value} claims, but is neither the named insured nor a driver of the policy.",
            evidence=[*(s.evidence for s in strangers), policy_evidence(", ".join(known))],
            why_uncertain="The claimant may be a third party with a claim of their own. " + _WHY_NAMES,
        )
