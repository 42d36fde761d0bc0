"""The sample claims hold what their labels say: the expected findings are recomputed here from the facts."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from app.insurance.demo.samples import SampleClaim, generate, policies
from app.insurance.demo.samples.model import CaseFile, FindingCode, Policy
from app.insurance.demo.samples.papers.written import day, money
from app.insurance.demo.samples.vin import check_digit
from app.insurance.demo.samples.writer import case_files
from app.insurance.demo.staff import DEMO_ADJUSTER

TODAY = date(2026, 11, 23)
# Days at which careless date arithmetic breaks: a leap day, the day after February, New Year.
SETS = [(1, TODAY), (2, date(2028, 2, 29)), (3, date(2027, 3, 1)), (4, date(2026, 1, 1))]
OF_PAPERS = {"WRONG_DOCUMENT_TYPE", "DUPLICATE_DOCUMENT", "UNREADABLE_DOCUMENT", "DUPLICATE_CLAIM", "SAME_LOSS"}
BILLS = ("repair_estimate", "repair_invoice")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[SampleClaim]:
    return generate(tmp_path_factory.mktemp("samples"), 1, TODAY)


@pytest.fixture(scope="module")
def texts(samples: list[SampleClaim]) -> dict[Path, str]:
    """The text layer of every PDF that opens, white space evened out."""
    read = {}
    for path in sorted({path for sample in samples for path in sample.folder.glob("*.pdf")}):
        try:
            read[path] = " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())
        except PyPdfError:
            continue
    return read


def findings_of(case: CaseFile, known: list[Policy], today: date) -> set[str]:
    """What a careful reader finds in the facts of a case, worked out without looking at its scenario."""
    form, police, bill = case.form, case.police, case.bill
    found = set()
    loss = None
    try:
        loss = date(*form.date_of_loss)
    except ValueError:
        found.add("IMPOSSIBLE_DATE")
    policy = next((p for p in known if p.number == form.policy), None)
    if policy is None:
        found.add("POLICY_NOT_FOUND")
    elif loss and not policy.valid_from <= loss <= policy.valid_to:
        found.add("LOSS_OUTSIDE_POLICY")
    if loss and form.date_of_loss != police.date_of_loss:
        found.add("DATE_OF_LOSS_CONFLICT")
    if any(date(*d) > today for d in (police.date_of_loss, police.filed, form.reported, bill.day)):
        found.add("FUTURE_DATE")
    if len({form.claimant, police.owner, bill.owner}) > 1 or len({p.vehicle for p in (form, police, bill)}) > 1:
        found.add("IDENTITY_CONFLICT")
    if check_digit(form.vehicle.vin) != form.vehicle.vin[8]:
        found.add("VIN_CHECK_DIGIT")
    if {item.part for item in bill.lines} - set(form.damage):
        found.add("PART_NOT_CLAIMED")
    if form.amount_claimed != bill.total:
        found.add("CLAIMED_TOTAL_MISMATCH")
    return found | ({"LINES_DO_NOT_ADD_UP"} if not adds_up(case) else set())


def adds_up(case: CaseFile) -> bool:
    bill = case.bill
    lines = all(item.amount == item.parts_price + item.hours * item.rate for item in bill.lines)
    subtotal = bill.subtotal == sum(item.amount for item in bill.lines)
    tax = abs(bill.tax - bill.subtotal * bill.shop.tax_rate) <= Decimal("0.005")
    return lines and subtotal and tax and bill.total == bill.subtotal + bill.tax


@pytest.mark.parametrize(("seed", "today"), SETS)
def test_the_facts_bear_out_every_expected_finding_and_no_other(seed: int, today: date, tmp_path: Path) -> None:
    known = policies(today, seed)
    for sample, case in zip(generate(tmp_path, seed, today), case_files(seed, today), strict=False):
        assert findings_of(case, known, today) == sample.expected_findings - OF_PAPERS, sample.scenario


@pytest.mark.parametrize(("seed", "today"), SETS)
def test_amounts_fall_on_the_side_of_the_authority_they_are_meant_for(seed: int, today: date, tmp_path: Path) -> None:
    for sample, case in zip(generate(tmp_path, seed, today), case_files(seed, today), strict=False):
        collision = case.policy.coverages[0]
        payable = case.form.amount_claimed - collision.deductible
        assert 0 < payable <= collision.limit
        assert (payable > DEMO_ADJUSTER.authority) == (sample.scenario == "over_authority"), sample.scenario
        assert ("5,000" in sample.why and "25,000" not in sample.why) <= (case.form.amount_claimed < 5_000)


def test_there_are_24_submissions_of_the_agreed_scenarios(samples: list[SampleClaim]) -> None:
    assert len(samples) == 24
    assert len({s.folder for s in samples}) == len({s.key for s in samples}) == len({s.claim for s in samples}) == 23
    counted = Counter(s.scenario for s in samples)
    assert (counted["clean"], counted["over_authority"]) == (6, 1)
    assert sum(bool(s.missing) and "UNREADABLE_DOCUMENT" not in s.expected_findings for s in samples) == 3
    findings = Counter(code for s in samples for code in s.expected_findings)
    assert findings["DATE_OF_LOSS_CONFLICT"] == findings["LINES_DO_NOT_ADD_UP"] == 2
    assert set(findings) == set(get_args(FindingCode))


def test_the_last_submission_is_an_earlier_folder_and_key_again(samples: list[SampleClaim]) -> None:
    first, last = samples[0], samples[-1]
    assert last.scenario == "duplicate_submission"
    assert (last.folder, last.key, last.expected_end) == (first.folder, first.key, first.expected_end)


def test_a_paper_stands_in_two_claims_only_where_it_is_expected_to_be_found(samples: list[SampleClaim]) -> None:
    owners: dict[bytes, set[str]] = {}
    for sample in samples:
        for path in sample.folder.glob("*.pdf"):
            owners.setdefault(path.read_bytes(), set()).add(sample.claim)
    shared = [claims for claims in owners.values() if len(claims) > 1]
    again = [(s.claim, s.after) for s in samples if "DUPLICATE_CLAIM" in s.expected_findings]
    assert len(again) == 1
    assert shared == [set(again[0])] * 2, "the police report and the invoice"
    assert [s.claim for s in samples if s.after] == [again[0][0]]
    assert next(s.expected_end for s in samples if s.claim == again[0][1]) == "COMPLETE"


def test_the_automaton_answers_half_of_the_human_tasks_and_no_doubtful_one(samples: list[SampleClaim]) -> None:
    runs = {s.claim: s for s in samples}.values()
    reviews = [s for s in runs if not s.missing]
    answered = [s for s in reviews if s.demo_answer != "leave"]
    sign_offs = [s for s in answered if s.demo_answer == "deny" or s.scenario == "over_authority"]
    assert 2 * (len(answered) + len(sign_offs)) == len(reviews) + len(sign_offs) + 1
    assert all(not s.expected_findings for s in answered if s.demo_answer == "approve")
    assert all((s.expected_end == "COMPLETE") == (s.demo_answer != "leave") for s in runs)
    assert {s.expected_end for s in runs if s.missing} == {"WAITING_FOR_DOCUMENT"}


def test_the_same_seed_and_day_give_the_same_bytes(samples: list[SampleClaim], tmp_path: Path) -> None:
    again, other = generate(tmp_path / "again", 1, TODAY), generate(tmp_path / "other", 2, TODAY)
    assert _bytes(again) == _bytes(samples)
    assert _bytes(other) != _bytes(samples)
    assert policies(TODAY, 1) == policies(TODAY, 1) != policies(TODAY, 2)


def test_every_pdf_opens_but_the_corrupt_one_and_only_the_scan_has_no_text(
    samples: list[SampleClaim], texts: dict[Path, str]
) -> None:
    unreadable = {s.scenario: s.folder for s in samples}
    everything = {path for s in samples for path in s.folder.glob("*.pdf")}
    assert {path.parent for path in everything - texts.keys()} == {unreadable["corrupt_estimate"]}
    assert len(everything - texts.keys()) == 1
    without_text = [path for path, text in texts.items() if not text]
    assert [path.parent for path in without_text] == [unreadable["scanned_estimate"]]
    assert PdfReader(without_text[0]).pages[0].images


def test_each_claim_holds_the_papers_it_must_and_lacks_what_is_missing(
    samples: list[SampleClaim], texts: dict[Path, str]
) -> None:
    for sample, case in zip(samples, case_files(1, TODAY), strict=False):
        here = [text for path, text in texts.items() if path.parent == sample.folder]
        if sample.scenario == "scanned_estimate":
            continue  # its estimate is there, and says nothing to who reads text layers only
        held = {
            "claim_form": any(case.form.claim in t and case.form.phone in t for t in here),
            "police_report": any(case.police.officer in t and case.police.number in t for t in here),
            case.bill.kind: any(case.bill.number in t for t in here),
        }
        assert {kind for kind, is_held in held.items() if not is_held} == set(sample.missing), sample.scenario


def test_what_is_printed_is_what_the_case_says(samples: list[SampleClaim], texts: dict[Path, str]) -> None:
    for sample, case in zip(samples, case_files(1, TODAY), strict=False):
        everything = " ".join(text for path, text in texts.items() if path.parent == sample.folder)
        form, police, bill = case.form, case.police, case.bill
        printed = {form.claim, form.policy, form.claimant, form.place, form.vehicle.vin, form.vehicle.plate}
        printed |= {form.description, *form.damage, form.police_report, money(form.amount_claimed, "plain")}
        if "police_report" not in sample.missing:
            printed |= {police.officer, police.owner, police.vehicle.vin, police.narrative}
        if not set(BILLS) & set(sample.missing) and sample.scenario != "scanned_estimate":
            amounts = [bill.subtotal, bill.tax, bill.total, *(item.amount for item in bill.lines)]
            printed |= {bill.shop.name, day(bill.day, bill.shop.days), *(money(a, "plain") for a in amounts)}
        assert {each for each in printed if each not in everything} == set(), sample.scenario


def test_forms_come_in_every_layout_and_claims_with_and_without_a_cover_sheet(
    samples: list[SampleClaim], texts: dict[Path, str]
) -> None:
    titles = ("Motor Claim Form", "First Notice of Loss", "AUTOMOBILE LOSS NOTICE", "Dear claims team")
    assert all(any(title in text for text in texts.values()) for title in titles)
    with_sheet = {s.claim for s in samples if (s.folder / "claim.json").exists()}
    assert 0 < len(with_sheet) < 23


def test_a_paper_sent_twice_or_under_a_wrong_name_is_there_only_where_expected(
    samples: list[SampleClaim], texts: dict[Path, str]
) -> None:
    for sample in samples:
        contents = [path.read_bytes() for path in sample.folder.iterdir()]
        assert (len(set(contents)) < len(contents)) == ("DUPLICATE_DOCUMENT" in sample.expected_findings)
        misnamed = "Policy Declarations" in texts.get(sample.folder / "police_report.pdf", "")
        assert misnamed == ("WRONG_DOCUMENT_TYPE" in sample.expected_findings)


def test_policies_cover_all_claims_but_the_unknown_one_and_some_nobody_claims_on() -> None:
    rows = {p.number: p for p in policies(TODAY)}
    cases = case_files(1, TODAY)
    assert len(rows) == len(policies(TODAY))
    assert sum(case.form.policy not in rows for case in cases) == 1
    assert len(rows.keys() - {case.form.policy for case in cases}) >= 1
    assert len({case.policy.insured for case in cases}) == len(cases) - 1, "one of them claims twice"


def test_another_set_in_the_same_place_is_refused(tmp_path: Path) -> None:
    generate(tmp_path, 1, TODAY)
    generate(tmp_path, 1, TODAY)
    (tmp_path / "CLM-2026-0007" / "holiday.pdf").write_bytes(b"")
    with pytest.raises(FileExistsError, match=r"CLM-2026-0007.*holiday\.pdf"):
        generate(tmp_path, 1, TODAY)


@pytest.mark.parametrize(("vin", "digit"), [("1M8GDM9AXKP042788", "X"), ("1" * 17, "1"), ("5GZCZ43D13S812715", "1")])
def test_the_check_digit_follows_the_published_rule(vin: str, digit: str) -> None:
    assert check_digit(vin) == digit


def _bytes(submitted: list[SampleClaim]) -> dict[str, bytes]:
    return {f"{s.claim}/{p.name}": p.read_bytes() for s in submitted for p in sorted(s.folder.iterdir())}
