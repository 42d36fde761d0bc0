"""All benchmarks, one after the other: `make bench`. Each can be run alone with its own options and `--json`."""

from __future__ import annotations

from benchmarks import lists, prompt_tokens, recovery, run_page, start, steps, submit

if __name__ == "__main__":
    steps.main()
    recovery.main()
    prompt_tokens.main()
    run_page.main()
    lists.main()
    start.main()
    submit.main()
