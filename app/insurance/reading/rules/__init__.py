"""The rules of the offline reader, a file per kind of fact. Imported through `by_prompt` and `offline`."""
