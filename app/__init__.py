"""The product, a folder per layer; ARCHITECTURE.md says which question each answers, the contracts in `pyproject.toml` who may import whom.

Here lie what puts it together (`bootstrap`, `application`, `installed`, `settings`) and the doors for other programs (`client`, `sender`),
for the terminal (`cli`) and for whoever looks after it (`doctor`). Imported by `tasks` and `longhaul`; a workflow imports `app.core`, and
`app.insurance.reading` for papers of its trade.
"""
