"""The free paragraph of a decision letter: whoever drafts it may be kind, and may state nothing.

The law: amounts, days, names and the decision itself are filled in by us from what people approved. A draft that names
any of them, or speaks of money at all, is not sent; the template is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from app.core.declarations.prompts import Prompt
from app.core.declarations.summary import given
from app.core.errors import StepError
from app.core.step import StepContext
from app.insurance.reading.folding import fold
from workflows.insurance_claim.assessing.summary import summary_of
from workflows.insurance_claim.facts import Part
from workflows.insurance_claim.letters import Decision
from workflows.insurance_claim.models import ClaimFile

_TEMPLATES = {
    "settlement": "If anything about this letter is not clear to you, please write to us.",
    "denial": "We know that this is not the answer you hoped for. If you have questions, please write to us.",
}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_OPENERS = frozenset(
    _WORD.findall("""
    a an and as at before but dear for from i if in it kind no of on once or our please should sincerely so thank thanks that
    the there these this those to we when while whatever with yes you your""")
)
_NUMBERS_AND_DAYS = _WORD.findall("""
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million double twice triple half full january february
    march april june july august september october november december monday tuesday wednesday thursday friday saturday sunday
    tomorrow yesterday today dollar dollars euro euros pound pounds""")
_MONEY_OR_DECISION = (
    r"pay\w*|paid|payee|amounts?|sums?|money|funds?|transfer\w*|wire\w*|accounts?|banks?|iban|bic|cheques?|checks?|refund\w*|"
    r"compensat\w*|approv\w*|settl\w*|den(?:y|ied|ies|ial)\w*|refus\w*|reject\w*|declin\w*|cover\w*|owe[sd]?|liab\w*|fault|"
    r"guarant\w*|promis\w*|entitle\w*|increas\w*|fraud\w*|court|lawyers?|sue|click|links?|call|phone|passwords?"
)
_STATED = re.compile(rf"\b(?:{'|'.join(_NUMBERS_AND_DAYS)}|{_MONEY_OR_DECISION})\b")
_ADDRESS = re.compile(r"[@#$€£¥%]|https?:|www\.|\w\.\w")


class Paragraph(Part):
    """A paragraph of a letter."""

    text: str = Field(min_length=1, max_length=600)


def check(answer: Paragraph, request: Mapping[str, Any]) -> list[str]:
    """Why a draft cannot be sent. The sentences do not repeat it."""
    text = " ".join(answer.text.split())
    names = set(_WORD.findall(fold(request["last_step"]["recipient"])))
    wrong = []
    if any(character.isdigit() for character in text):
        wrong.append("it states a number, and numbers are filled in")
    if _STATED.search(fold(text)):
        wrong.append("it speaks of money, of a day or of the decision, and those are filled in")
    if _ADDRESS.search(text):
        wrong.append("it holds an address or a sign of money")
    if not text.isprintable():
        wrong.append("it holds signs that cannot be printed")
    if any(word[0].isupper() and fold(word).split("'")[0] not in _OPENERS | names for word in _WORD.findall(text)):
        wrong.append("it names somebody or something that was not approved")
    return wrong


def by_template(request: Mapping[str, Any]) -> Paragraph:
    """The paragraph without a model."""
    return Paragraph(text=_TEMPLATES[request["last_step"]["letter"]])


def request_of(file: ClaimFile, letter: Decision) -> dict[str, Any]:
    """What a draft is asked with."""
    state = "SETTLING" if letter == "settlement" else "DENYING"
    return given(summary_of(file), {"state": state, "letter": letter, "recipient": file.claimant or ""})


def drafted(step: StepContext, file: ClaimFile, prompt: Prompt[Paragraph], letter: Decision) -> tuple[str, str]:
    """The paragraph, and who wrote it. A letter does not wait for a model: whatever is wrong with it, there is the template.

    Nothing may be called after this in the same step: which paragraph it was must not depend on how often it was tried.
    """
    request = request_of(file, letter)
    try:
        return step.ask(prompt, request).text, step.answered_by
    except StepError as problem:
        step.log("the template is sent: the draft of a paragraph was not to be had", why=type(problem).__name__)
        return by_template(request).text, "template"
