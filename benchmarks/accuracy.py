"""How right the readers are: `make accuracy` measures every reader there is and writes docs/accuracy.md.

    python -m benchmarks.accuracy [--documents N] [--model-documents N] [--provider SPEC]… [--out FILE]

The generated set is the one the rules were not written for (`tests.claims.second_generator`). With
LONGHAUL_REAL_DOCUMENTS=DIR documents that others wrote are measured too, against the amounts in the `.json` beside them;
nothing of them is written down but counts. A model is measured twice: alone, after its quotes were tried, and as the
second reader it is in a claim, where it can confirm and doubt but change nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import httpx

from app.agents.alone import Alone
from app.agents.provider import Models
from app.core.declarations.prompts import RULES
from app.core.errors import LonghaulError
from app.core.values.pages import PageText
from app.documents.child.pdf_pages import read_pdf
from app.documents.confined import asked
from app.documents.reader import ReadLimits, read_document
from app.insurance.reading.extraction import DocumentFacts, Statements
from app.insurance.reading.quotes import proven
from app.insurance.reading.rules.by_prompt import OFFLINE_RULES
from app.settings import Settings
from app.stack.servers import local_model
from app.stack.servers.errors import StackError
from app.stack.servers.ports import choose_port
from app.stack.servers.processes import spawn
from benchmarks.machine import PROJECT
from tests.claims.second_generator import Sample, documents
from tests.claims.second_generator.scoring import Score, Tally, wilson
from tests.support.waiting import wait_for
from workflows.document_reading.prompts import EXTRACTION
from workflows.document_reading.reading import both, read_pages

DOCUMENTS, MODEL_DOCUMENTS = 272, 34  # eight of each layout; one of each
DECIDING = ("claim_number", "policy_number", "vin", "date_of_loss", "total", "amount_claimed")
TRUTHS = {"amount": "total", "amount_untaxed": "subtotal", "currency": "currency"}


@dataclass
class Reader:
    """One reader and what was counted of it. unflagged: wrong values of deciding fields that nothing made a person look at."""

    name: str
    config: Settings
    most: int
    alone: Score = field(default_factory=Score)
    together: Score = field(default_factory=Score)
    unflagged: int = 0
    confirmed: int = 0
    doubts: int = 0
    failed: int = 0
    tokens: int = 0
    seconds: float = 0.0
    real: dict[str, Tally] = field(default_factory=dict)
    real_documents: int = 0
    real_failed: int = 0

    @property
    def is_model(self) -> bool:
        return self.config.provider != "offline"


def facts_of(said: Statements, name: str, pages: Sequence[PageText]) -> DocumentFacts:
    """What was said, without what its quotes do not prove."""
    told = {key: getattr(said, key) for key in Statements.model_fields}
    return proven(DocumentFacts(document_id=name, **told), pages)[0]


def read(
    reader: Reader, name: str, pages: Sequence[PageText], rules: DocumentFacts
) -> tuple[DocumentFacts, DocumentFacts]:
    """(what the reader says alone, what a claim would be given)."""
    if not reader.is_model:
        return rules, rules
    step, begun = Alone(Models(reader.config, OFFLINE_RULES)), time.monotonic()
    request = {"document_id": name, "filename": name, "pages": [page.model_dump() for page in pages]}
    try:
        said = facts_of(step.ask(EXTRACTION, request), name, pages)
    except LonghaulError as problem:  # in a claim the run would wait for a person
        sys.stderr.write(f"{reader.name}: {name}: {type(problem).__name__}\n")
        reader.failed += 1
        said = DocumentFacts(document_id=name, kind="other", kind_confidence=0.0)
    reader.seconds += time.monotonic() - begun
    reader.tokens += sum((a.tokens_in or 0) + (a.tokens_out or 0) for a in step.answered)
    return said, both(rules, said)


def measure(readers: Sequence[Reader], samples: Sequence[Sample]) -> None:
    """The generated set, through every reader."""
    limits, offline = (
        asked({"name": "text"}, ReadLimits(), 0),
        Alone(Models(Settings(provider="offline"), OFFLINE_RULES)),
    )
    for number, sample in enumerate(samples):
        texts = [page.text for page in read_pdf(sample.pdf, limits)]
        pages = [PageText(number=n, text=text) for n, text in enumerate(texts, start=1)]
        rules, who = read_pages(offline, sample.name, sample.name, pages)
        assert who == RULES
        for reader in readers:
            if number < reader.most:
                _count(reader, sample, *read(reader, sample.name, pages, rules))


def _count(reader: Reader, sample: Sample, alone: DocumentFacts, together: DocumentFacts) -> None:
    reader.alone.count(sample, alone)
    before = len(reader.together.misses)
    reader.together.count(sample, together)
    doubted = {doubt.field for doubt in together.doubts}
    new = reader.together.misses[before:]
    reader.unflagged += sum(miss.field_name in DECIDING and miss.field_name not in doubted for miss in new)
    reader.confirmed += len(together.confirmed)
    reader.doubts += len(together.doubts)


def measure_real(readers: Sequence[Reader], folder: Path) -> None:
    """Documents that others wrote; the sums and currencies their truth files state."""
    offline = Alone(Models(Settings(provider="offline"), OFFLINE_RULES))
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".pdf", ".txt")):
        truth_file, found = path.with_suffix(".json"), read_document(path)
        if not truth_file.exists() or found.status != "read":
            continue
        told = json.loads(truth_file.read_text())
        truth = told[0] if isinstance(told, list) else told
        rules, _ = read_pages(offline, "d", "document", found.pages)
        for reader in readers:
            failed = reader.failed
            alone, _ = read(reader, "d", found.pages, rules)
            reader.real_failed, reader.failed = reader.real_failed + reader.failed - failed, failed
            reader.real_documents += 1
            for stated, name in TRUTHS.items():
                if isinstance(truth, dict) and truth.get(stated) is not None:
                    _compare(reader.real.setdefault(name, Tally()), alone, name, str(truth[stated]))


def _compare(tally: Tally, facts: DocumentFacts, name: str, truth: str) -> None:
    tally.wanted += 1
    fact = facts.fields.get(name)
    if fact is None or fact.value is None:
        return
    right = _same(str(fact.value), truth)
    tally.right, tally.found, tally.wrong = tally.right + right, tally.found + right, tally.wrong + (not right)


def _same(one: str, other: str) -> bool:
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return one == other


def written(readers: Sequence[Reader], real: bool) -> str:
    """The page."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    told = [
        "# How right the readers are\n",
        f"Written by `make accuracy` on {day}, Python {platform.python_version()}, {os.cpu_count()} cores. Precision: of the values",
        "stated, how many are so. Recall: of the values the documents plainly state, how many were found. Brackets: the 95 %",
        "interval after Wilson. The documents are generated by `tests/claims/second_generator`, whose layouts the rules were not",
        "written for; those of a layout are much alike, which the intervals do not know. Fields in bold decide a claim. A model",
        "is measured alone, after every quote was tried; in a claim it only confirms and doubts what the rules read.\n",
    ]
    for reader in readers:
        told += [f"## {reader.name}\n", _summary(reader), "", *_table(reader.alone), ""]
    if real:
        told += ["## Documents that others wrote\n", *_real(readers), ""]
    return "\n".join(told)


def _summary(reader: Reader) -> str:
    score = reader.alone
    said = f"{score.documents} documents. The kind is right for {score.kinds_right}, wrong with confidence for {len(score.wrong_kinds)}. "
    if not reader.is_model:
        return said + f"Wrong values of the fields that decide a claim, which nothing flags: {reader.unflagged}."
    wrong = reader.alone.over(DECIDING).wrong
    rules_wrong = reader.together.over(DECIDING).wrong
    return said + (
        f"No usable answer: {reader.failed}. {reader.tokens:,} tokens, {reader.seconds / max(1, score.documents):.1f} s a document. "
        f"Alone it states {wrong} wrong values of the fields that decide a claim; as a second reader none of them is taken: it "
        f"confirmed {reader.confirmed} values of the rules and raised {reader.doubts} doubts. Of the rules' own {rules_wrong} wrong "
        f"values, {reader.unflagged} remain that it did not doubt."
    )


def _table(score: Score) -> Iterator[str]:
    yield "| field | stated | wrong | precision [95 %] | in documents | recall [95 %] |"
    yield "|---|---:|---:|---|---:|---|"
    for name, tally in sorted(score.fields.items()):
        yield _row(f"**{name}**" if name in DECIDING else name, tally)
    yield _row("**deciding fields together**", score.over(DECIDING))
    yield _row("all fields together", score.over(score.fields))
    yield _row("billed lines", score.lines)


def _real(readers: Sequence[Reader]) -> Iterator[str]:
    yield "Counts only; the documents are not ours. Their truth files state sums and currencies.\n"
    yield "| reader | documents | field | stated | wrong | precision [95 %] | in documents | recall [95 %] |"
    yield "|---|---:|---|---:|---:|---|---:|---|"
    for reader in readers:
        if reader.real_failed:
            none = f"no usable answer about {reader.real_failed} of {reader.real_documents}: a person reads those"
            yield f"| {reader.name} | {reader.real_documents} | {none} | | | | | |"
        for name, tally in sorted(reader.real.items()):
            yield f"| {reader.name} | {reader.real_documents} " + _row(name, tally)


def _row(name: str, tally: Tally) -> str:
    shares = _share(tally.right, tally.stated), _share(tally.found, tally.wanted)
    return f"| {name} | {tally.stated} | {tally.wrong} | {shares[0]} | {tally.wanted} | {shares[1]} |"


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits / of:.3f} [{low:.3f}, {high:.3f}]" if of else "–"


@contextmanager
def local_url() -> Iterator[str]:
    """The address of the local model, served for the while. Raises StackError if it is not installed."""
    local_model.weights()
    port = choose_port(0, named_by=None)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        argv = [sys.executable, "-m", "app.stack.servers.local_model", "--port", str(port)]
        served = spawn(argv, log=log, env={**os.environ, "PYTHONPATH": str(PROJECT)}, death_signal=signal.SIGKILL)
        try:
            wait_for(lambda: _healthy(port), "the local model to be loaded", evidence=log.read_text)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            served.end(signal.SIGTERM, 20)


def _healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def main(argv: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="generated documents for the rules")
    parser.add_argument("--model-documents", type=int, default=MODEL_DOCUMENTS, help="for each model")
    parser.add_argument("--provider", action="append", default=[], help="also this one, as LONGHAUL_PROVIDER spells it")
    parser.add_argument("--out", type=Path, default=PROJECT / "docs" / "accuracy.md")
    asked = parser.parse_args(list(argv) if argv is not None else None)
    real = os.environ.get("LONGHAUL_REAL_DOCUMENTS")
    readers = [Reader("offline rules", Settings(provider="offline", providers={}), asked.documents)]
    readers += [Reader(spec, Settings(provider=spec, providers={}), asked.model_documents) for spec in asked.provider]
    samples = tuple(documents(asked.documents))
    try:
        with local_url() as url:
            config = Settings(provider="local", providers={}, local_model_url=url)
            readers.append(Reader("local model (SmolLM2, 135 million parameters)", config, asked.model_documents))
            _measure_all(readers, samples, real)
    except StackError as problem:
        sys.stderr.write(f"{problem}; measured without it\n")
        _measure_all(readers, samples, real)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(written(readers, bool(real)) + "\n")
    sys.stdout.write(f"{asked.out}\n" + "".join(f"{r.name}: {_summary(r)}\n" for r in readers))


def _measure_all(readers: Sequence[Reader], samples: Sequence[Sample], real: str | None) -> None:
    measure(readers, samples)
    if real:
        measure_real(readers, Path(real))


if __name__ == "__main__":
    main()
