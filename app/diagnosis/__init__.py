"""Why a run does not move, in one sentence. Imported by commands, pages and evidence packs."""
