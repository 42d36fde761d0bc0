"""The labels that forms and shops print for one and the same thing.

The law: every wording here leaves one reading to somebody who works with such papers.
"""

from __future__ import annotations

import random

_ANYWHERE = {
    "claim_number": ("Claim number", "Claim no.", "Claim ref.", "Claim reference", "Insurance claim no."),
    "policy_number": ("Policy number", "Policy no.", "Policy ref.", "Insurance policy no."),
    "vin": ("VIN", "V.I.N.", "VIN no.", "Vehicle identification number"),
    "date_of_loss": ("Date of loss", "Accident date", "Date of accident", "Loss date", "Date of incident"),
    "amount_claimed": ("Amount claimed", "Amount of claim", "Total amount claimed", "Estimated cost of repairs"),
    "estimate_total": (
        "Estimate total",
        "Total estimate",
        "Total cost of repair",
        "Grand total",
        "Estimated total cost",
    ),
    "invoice_total": ("Invoice total", "Total payable", "Grand total", "Total amount", "Total due", "Total charges"),
    "net": ("Subtotal", "Sub-total", "Net total", "Net amount"),
    "plate": ("Registration", "Plate no.", "Vehicle plate"),
}
_NORTH_AMERICA = {
    "claim_number": ("Claim #", "Claim No", "Ins. claim #", "File / claim number"),
    "policy_number": ("Policy #", "Policy No", "Pol. no."),
    "date_of_loss": ("DOL", "Date/loss", "Loss occurred"),
    "plate": ("License plate", "Lic. plate", "Tag no."),
    "estimate_total": ("Total estimate amount", "Gross total"),
    "invoice_total": ("Total repair cost", "TOTAL"),
}
_COMMONWEALTH = {
    "claim_number": ("Insurer's claim ref.", "Your claim number"),
    "policy_number": ("Policy / certificate no.", "Motor policy no."),
    "vin": ("Chassis no.", "VIN / chassis no.", "Chassis number"),
    "date_of_loss": ("Date of the accident", "Incident date", "Date it happened"),
    "plate": ("Reg. no.", "Registration no.", "Vehicle reg."),
    "estimate_total": ("Total inc. tax", "Gross estimate"),
    "invoice_total": ("Total inc. tax", "Gross total"),
}


def wording(rng: random.Random, field_name: str, country: str) -> str:
    """A label for the field as papers of `country` (a code) print it."""
    local = _NORTH_AMERICA if country in {"US", "CA"} else _COMMONWEALTH
    return rng.choice(_ANYWHERE[field_name] + local.get(field_name, ()))
