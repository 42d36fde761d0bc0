"""Writes the sample claims as folders of papers, and the policies the insurer's database must hold for them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Final

from app.documents.reader import can_read_scans
from app.insurance.demo.samples.casefile import claim_number, honest_case, make_policy, name_of, stream
from app.insurance.demo.samples.model import CURRENCY, CaseFile, DocumentKind, Paper, Papers, Policy, SampleClaim
from app.insurance.demo.samples.papers.claim_form import claim_form
from app.insurance.demo.samples.papers.police_report import police_report
from app.insurance.demo.samples.papers.repair_bill import repair_bill
from app.insurance.demo.samples.papers.side_papers import correspondence, photo_sheet, policy_declaration
from app.insurance.demo.samples.papers.written import day
from app.insurance.demo.samples.scenarios import DUPLICATE_OF, DUPLICATE_WHY, SCANNED_WITHOUT_OCR, SCENARIOS, Scenario

_FILE_NAMES: Final[dict[DocumentKind, tuple[str, ...]]] = {
    "claim_form": ("claim_form.pdf", "FNOL.pdf", "loss notice.pdf"),
    "police_report": ("police_report.pdf", "Police Report.pdf", "accident-report.pdf"),
    "repair_estimate": ("estimate.pdf", "Repair Estimate.pdf", "quote_from_shop.pdf"),
    "repair_invoice": ("invoice.pdf", "repair invoice final.pdf"),
    "photo_sheet": ("photos.pdf", "damage photos.pdf"),
    "policy_declaration": ("declarations.pdf", "my policy.pdf"),
    "correspondence": ("letter.pdf", "cover letter.pdf"),
}
_ENCLOSED_AS: Final[dict[DocumentKind, str]] = {
    "claim_form": "the notice of loss",
    "police_report": "the police report",
    "repair_estimate": "the repair estimate",
    "repair_invoice": "the repair invoice",
    "photo_sheet": "photographs of the damage",
    "policy_declaration": "the declarations page of my policy",
}
_POLICIES_WITHOUT_CLAIM: Final = 8


def case_files(seed: int, today: date) -> list[CaseFile]:
    """The facts of every distinct claim, in the order of `SCENARIOS`, twists applied."""
    return [_case(seed, number, scenario, today) for number, scenario in enumerate(SCENARIOS, 1)]


def generate(target: Path, seed: int = 1, today: date | None = None) -> list[SampleClaim]:
    """Write one folder per claim below `target` and return the 24 submissions in the order to send them.

    The last one is the first folder again. The same seed and day give the same bytes; `today` defaults to the
    current day (UTC). Raises FileExistsError if a claim's folder holds files of another set: choose an empty target.
    """
    today = today or datetime.now(UTC).date()
    samples = []
    for number, scenario in enumerate(SCENARIOS, 1):
        case = _case(seed, number, scenario, today)
        _write(target / case.claim, scenario, case, _papers(seed, number, scenario, case))
        samples.append(_sample(target / case.claim, seed, today, scenario, case))
    again = replace(samples[DUPLICATE_OF - 1], scenario="duplicate_submission", why=DUPLICATE_WHY)
    return [*samples, again]


def as_read_here(claims: list[SampleClaim]) -> list[SampleClaim]:
    """The claims with what to expect of them on this machine: where OCR is not installed, a scan is no document yet."""
    if can_read_scans():
        return claims
    waits = SCANNED_WITHOUT_OCR
    return [
        replace(
            claim,
            expected_findings=frozenset(waits.findings),
            missing=waits.missing,
            demo_answer=waits.answer,
            expected_end=waits.end,
            why=waits.why,
        )
        if claim.scenario == waits.name
        else claim
        for claim in claims
    ]


def policies(today: date | None = None, seed: int = 1) -> list[Policy]:
    """The rows of the insurer's policy database that match `generate` of the same seed and day.

    The unknown policy is not among them; some without any claim are.
    """
    today = today or datetime.now(UTC).date()
    cases = zip(SCENARIOS, case_files(seed, today), strict=True)
    claimed = [case.policy for scenario, case in cases if scenario.policy_known and scenario.again is None]
    first = len(SCENARIOS) + 1
    others = [
        make_policy(stream(seed, number), name_of(seed, number), today)
        for number in range(first, first + _POLICIES_WITHOUT_CLAIM)
    ]
    return claimed + others


def _case(seed: int, number: int, scenario: Scenario, today: date) -> CaseFile:
    if scenario.again is not None:
        case, claim = _case(seed, scenario.again, SCENARIOS[scenario.again - 1], today), claim_number(number, today)
        return replace(case, claim=claim, form=replace(case.form, claim=claim))
    case = honest_case(seed, number, today, scenario.size, scenario.bill)
    return scenario.twist(case, stream(seed, f"{number}/twist"))


def _sample(folder: Path, seed: int, today: date, scenario: Scenario, case: CaseFile) -> SampleClaim:
    return SampleClaim(
        folder=folder,
        key=f"sample-{seed}-{today:%Y%m%d}-{case.claim}",
        claim=case.claim,
        scenario=scenario.name,
        expected_findings=frozenset(scenario.findings),
        missing=scenario.missing,
        demo_answer=scenario.answer,
        expected_end=scenario.end,
        why=scenario.why,
        after=claim_number(scenario.again, today) if scenario.again else None,
    )


def _papers(seed: int, number: int, scenario: Scenario, case: CaseFile) -> Papers:
    """The papers of a claim as they arrive."""
    kinds: tuple[DocumentKind, ...] = ("claim_form", "police_report", scenario.bill, *scenario.extras)
    sent = tuple(kind for kind in kinds if kind not in scenario.unsent)
    papers = tuple(
        _paper(kind, sent, case, stream(seed, f"{number if kind == 'claim_form' else scenario.again or number}/{kind}"))
        for kind in sent
    )
    return scenario.envelope(papers, case.today)


def _paper(kind: DocumentKind, sent: tuple[DocumentKind, ...], case: CaseFile, rng: Random) -> Paper:
    file_name = rng.choice(_FILE_NAMES[kind])
    match kind:
        case "claim_form":
            content = claim_form(case, rng)
        case "police_report":
            content = police_report(case, rng)
        case "repair_estimate" | "repair_invoice":
            content = repair_bill(case)
        case "photo_sheet":
            content = photo_sheet(case, rng)
        case "policy_declaration":
            content = policy_declaration(case)
        case "correspondence":
            content = correspondence(case, tuple(_ENCLOSED_AS[each] for each in sent if each != "correspondence"))
    return Paper(file_name, kind, content)


def _write(folder: Path, scenario: Scenario, case: CaseFile, papers: Papers) -> None:
    files = {paper.file_name: paper.content for paper in papers}
    if scenario.claim_json:
        files["claim.json"] = _claim_json(case)
    folder.mkdir(parents=True, exist_ok=True)
    foreign = sorted({path.name for path in folder.iterdir()} - files.keys())
    if foreign:
        raise FileExistsError(f"{folder} holds files of another set ({', '.join(foreign)}); choose an empty target")
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _claim_json(case: CaseFile) -> bytes:
    """The cover sheet of a submission: what the sender says the claim is; amounts are decimal strings."""
    cover = {
        "claim": case.claim,
        "policy": case.form.policy,
        "claimant": case.form.claimant,
        "date_of_loss": day(case.form.date_of_loss, "iso"),
        "amount_claimed": str(case.form.amount_claimed),
        "currency": CURRENCY,
    }
    return (json.dumps(cover, indent=2) + "\n").encode()
