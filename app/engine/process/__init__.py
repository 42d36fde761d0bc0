"""A worker process: how it shows that it lives, what it does unasked, how it ends.

Imported by `tasks`; what is one kind of refused message (`refusals`), also by `app.alerts` and the overview; how a thread
pauses and which process one is (`pause`, `identity`), also by `app.sweeps`.
"""
