"""The commands of `longhaul`, one file per group; `app.cli` puts them together.

- `shell`: what every command stands on: settings, the runtime, errors as exit codes
- `output`: JSON for programs, tables and sentences for people
- `stack`, `reading`, `work`, `operate`, `upkeep`: the commands
"""
