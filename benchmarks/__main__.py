"""`make bench`: the benchmarks that are named, else all, one after the other. Each can be run alone with options of its own and `--json`.

python -m benchmarks [steps recovery prompt_tokens run_page flood lists start stored submit waits claims parked] [--keep]
"""

from __future__ import annotations

import argparse

from benchmarks import flood, lists, prompt_tokens, recovery, run_page, start, steps, stored, submit, waits
from benchmarks.claims import __main__ as claims
from benchmarks.parked import __main__ as parked

ALL = {
    "steps": steps.main,
    "recovery": recovery.main,
    "prompt_tokens": prompt_tokens.main,
    "run_page": run_page.main,
    "flood": flood.main,
    "lists": lists.main,
    "start": start.main,
    "stored": stored.main,
    "submit": submit.main,
    "waits": waits.main,
    "claims": claims.main,
    "parked": parked.main,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *ALL], metavar="NAME")
    parser.add_argument("--keep", action="store_true", help="make the result of `steps` the one of docs/performance.md")
    asked = parser.parse_args()
    for name in asked.names or ALL:
        ALL[name](["--keep"] if name == "steps" and asked.keep else [])
