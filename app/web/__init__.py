"""The pages: server-rendered HTML without scripts. Nothing is changed by a GET; nothing is decided here."""
