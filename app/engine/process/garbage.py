"""How a worker looks for garbage: objects that hold each other, which Python frees only after it looked for them.

The law: what is loaded stays, so it is looked through never again; and a look is worth its time. While it looks, no
thread of the process does anything else: with a thousand waiting steps a look through everything takes a second, and
Python's own measure makes one after each fourth step.
"""

from __future__ import annotations

import gc

YOUNG = 10_000  # objects made since the last look; Python's own 700 are those of five steps
BETWEEN = 10  # looks at the young before one at those a look has left, and of these before one at everything


def begin() -> None:
    """Called once all is loaded; children forked after it share what is loaded with their parent."""
    gc.set_threshold(YOUNG, BETWEEN, BETWEEN)
    gc.collect()
    gc.freeze()
