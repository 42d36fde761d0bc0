"""How claimants take part: links they are sent, and the pages behind them.

Imported by `app.installed` and `app.insurance.commands`.
"""
