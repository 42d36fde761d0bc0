"""Text that gives orders to a machine. A document has no business doing so; whoever finds some calls a person."""

from __future__ import annotations

import re

from app.insurance.reading.folding import fold

_ORDERS = re.compile(
    r"(?:ignore|disregard|forget) (?:all |any |the |your )*(?:previous|prior|above|earlier|other) \w+"
    r"|(?:system|developer) prompt|\b(?:as|you are) an? (?:ai|language model|assistant)\b"
    r"|(?:note|instructions?|message) (?:to|for) (?:the )?(?:ai|llm|model|assistant|automated \w+)"
    r"|(?:approve|pay|settle) (?:this|the) claim (?:immediately|automatically|without|in full)"
    r"|(?:ignore|disregard|forget) (?:all |any |the |your )*\w+ (?:above|before)\b|<\|im_(?:start|end)\|>"
    r"|^\W*system: ?(?:you|ignore|disregard|forget|override|set|as an|note|message|instructions|assistant|developer)\b"
    r"|\b(?:call|invoke) the tool\b|\b(?:decode|decrypt) and (?:obey|follow|execute)\b|^\W*assistant, "
)
_NO_WIDTH = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")
_LOOK_ALIKES = str.maketrans("аеорсхуіѕ", "aeopcxyis")
# Several signs of no width in a row of letters, or Cyrillic letters within a Latin word: nobody writes so by accident.
_DISGUISED = re.compile("(?:[^\\W\\d_][\u200b\u200c\u2060\ufeff]){4}|[a-zA-Z][\u0430-\u044f]{1,3}[a-zA-Z]")


def addresses_a_machine(text: str) -> bool:
    """Whether a passage gives orders to whoever reads it by machine, or takes pains to hide its letters."""
    folded = fold(text)
    return bool(_ORDERS.search(folded) or _DISGUISED.search(text) or _ORDERS.search(_undisguised(folded)))


def _undisguised(folded: str) -> str:
    return fold(_NO_WIDTH.sub("", folded).translate(_LOOK_ALIKES))
