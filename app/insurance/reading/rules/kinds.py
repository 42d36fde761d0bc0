"""What kind of document it is, by its words.

The law: the kind is a weighing with a stated confidence, never a template. Words near the top weigh more, because
that is where documents say what they are; a lead that is small gives a low confidence, and none gives "other".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from app.insurance.reading.extraction import DocumentKind
from app.insurance.reading.folding import fold
from app.insurance.reading.text import Line

_TITLE_LINES = 8
_TITLE_FACTOR = 3.0
_ENOUGH = 3.0
_QUOTED = 300  # characters of the line that tells the kind

# Weight after the words; words of weight 1 only support.
_SIGNS: dict[DocumentKind, str] = {
    "claim_form": """
        claim form 4 | notice of loss 4 | notice of claim 4 | proof of loss 4 | loss notification 4
        claim notification 3 | motor claim 2 | insurance claim 2 | accident report form 3 | amount claimed 3
        claimant 2 | date of loss 1 | i declare 2 | description of loss 1 | description of accident 1
        declaration 1 | schadenanzeige 4 | schadenmeldung 4 | declaration de sinistre 4 | constat amiable 3""",
    "police_report": """
        police report 4 | police department 4 | police 2 | incident report 3 | collision report 4 | crash report 4
        traffic report 3 | traffic accident report 4 | officer 2 | badge 3 | reporting officer 3 | sheriff 3
        precinct 3 | constable 3 | citation 1 | constabulary 3 | witness 1 | narrative 1 | polizei 3
        polizeibericht 4 | unfallbericht 3 | proces-verbal 4 | gendarmerie 3""",
    "repair_estimate": """
        repair estimate 5 | estimate of repairs 5 | estimate of record 4 | estimate 3 | quotation 3 | quote 2
        estimator 2 | valid for 1 | valid until 1 | estimated repair 2 | kostenvoranschlag 5 | devis 4
        reparaturkalkulation 4""",
    "repair_invoice": """
        repair invoice 6 | tax invoice 3 | invoice 3 | rechnung 3 | facture 3 | faktura 3 | bill to 1
        amount due 1 | payment terms 1 | work order 1 | due date 1""",
    "policy": """
        policy schedule 5 | insurance policy 3 | schedule of insurance 4 | declarations page 5
        policy declarations 4 | certificate of insurance 4 | certificate of motor insurance 4
        statement of insurance 4 | period of insurance 3 | policy period 3 | named insured 2 | policyholder 2
        coverages 2 | insuring agreement 3 | exclusions 2 | endorsement 2 | endorsements 2 | premium 2 | excess 1
        deductible 1 | versicherungsschein 5 | conditions particulieres 4""",
    "photos": """
        photo 2 | photos 3 | photographs 3 | photograph 2 | image 1 | taken at 2 | taken on 2 | camera 1 | exif 3
        lichtbild 3""",
    "correspondence": """
        dear 3 | sincerely 3 | yours faithfully 3 | yours sincerely 3 | kind regards 3 | best regards 3
        regards 2 | subject 2 | re 1 | sehr geehrte 3 | mit freundlichen 3 | madame 1 | monsieur 1
        cordialement 3""",
}
_REPAIR_WORDS = re.compile(
    r"\b(?:repairs?|labou?r|body ?shop|collision|bumper|fender|hood|bonnet|door|headlamp|headlight|windshield"
    r"|windscreen|paint|refinish|vehicle|vin|garage|parts?|panel|wing|mirror|reparatur|werkstatt|reparation"
    r"|carrosserie|fahrzeug|karosserie|vehicule|peinture|phare|pare-chocs?)\b"
    r"|\b(?:lackier|sto(?:ss|ß)(?:stange|fanger)|kotflugel|scheinwerfer|motorhaube)"
)


class _Sign(NamedTuple):
    words: str
    alone: re.Pattern[str]
    weight: float

    def stands_in(self, text: str) -> bool:
        """Whether the words do, and are no part of others. Most do not at all, which is seen much sooner."""
        return self.words in text and self.alone.search(text) is not None


def _compiled(signs: str) -> list[_Sign]:
    entries = [sign.strip().rpartition(" ") for sign in re.split(r"[|\n]", signs) if sign.strip()]
    return [
        _Sign(words, re.compile(rf"(?<!\w){re.escape(words)}(?!\w)"), float(weight)) for words, _, weight in entries
    ]


_WEIGHED: dict[DocumentKind, list[_Sign]] = {k: _compiled(v) for k, v in _SIGNS.items()}


def kind_of(lines: Iterable[Line], filename: str) -> tuple[DocumentKind, float, str]:
    """Kind, confidence in it, and a note where something about it is odd ('' otherwise)."""
    texts = [line.folded for line in lines if not line.blank]
    title = "\n".join(texts[:_TITLE_LINES])
    body = "\n".join(texts)
    scores = {kind: _score(kind, title, body) for kind in _WEIGHED}
    repairs = len(set(_REPAIR_WORDS.findall(body)))
    note = ""
    if repairs < 2 and max(scores["repair_invoice"], scores["repair_estimate"]) >= _ENOUGH:
        note = "It is a bill or an offer, but nothing in it speaks of a repair."
        scores["repair_invoice"] = scores["repair_estimate"] = 0.0
    if re.search(r"(?:^|[^a-z])(?:img|dsc|photo|pict)[_\-]?\d*", fold(filename)):
        scores["photos"] += 1.0
    ranked = sorted(scores, key=lambda kind: (-scores[kind], kind))
    best, second = scores[ranked[0]], scores[ranked[1]]
    if best < _ENOUGH:
        return "other", 0.3 if best else 0.5, note
    return ranked[0], round(min(0.98, 0.5 + 0.5 * (best - second) / best * min(1.0, best / 12)), 2), note


def sign_of(kind: DocumentKind, lines: Iterable[Line]) -> str:
    """The line that says most plainly that it is of this kind, as it stands on its page; '' where none does."""
    best, said = 0.0, ""
    for line in lines:
        weight = sum(sign.weight for sign in _WEIGHED.get(kind, ()) if sign.stands_in(line.folded))
        if weight > best:
            best, said = weight, line.text.strip()
    return said[:_QUOTED]


def _score(kind: DocumentKind, title: str, body: str) -> float:
    """Each sign counts once, three times as much in the title: a word repeated on every page says nothing new."""
    total = 0.0
    for sign in _WEIGHED[kind]:
        if sign.stands_in(title):
            total += sign.weight * _TITLE_FACTOR
        elif sign.stands_in(body):
            total += sign.weight
    return total
