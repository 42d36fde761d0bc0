"""The commands of `longhaul`, one file per group; `app.cli` puts them together, with those of the application.

- `shell`, `output`: what every command stands on: settings, the runtime, errors as exit codes; JSON for programs, tables and
  sentences for people
- `stack`: starts and stops; `reading`: shows; `work`, `answers`, `desk`: human tasks; `operate`: what an operator does to runs
- `people`, `keys`: who may come in; `evidence`, `upkeep`: packs, checks, retention

Imported by `app.cli` alone; an application's own commands import what all stand on, and the words that `reading` and `work` share.
"""
