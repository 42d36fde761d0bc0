"""A worker process: how it shows that it lives, what it does unasked, how it ends. Imported by `tasks`."""
