"""A second, independent source of claim documents: the test set the extractor was not written for.

The law: nothing here was made by looking at the extractor or at the demo's own samples, and nothing may be changed
here to please an extractor; where a truth is wrong, it is put right with the document in hand.

`documents(count)` gives the documents of seeds 1 to `count`, the same bytes every time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.claims.second_generator import (
    claim_forms,
    letters,
    police_reports,
    policies,
    quotations,
    repair_estimates,
    repair_invoices,
)
from tests.claims.second_generator.case import Case, open_case
from tests.claims.second_generator.countries import AU, CA, GB, IE, US, Country
from tests.claims.second_generator.paper import Paper, Sample

__all__ = ["LAYOUTS", "Sample", "documents", "make"]

Layout = Callable[[Case], Paper]
_ANY = (US, GB, IE, AU, CA)
LAYOUTS: tuple[tuple[Layout, tuple[Country, ...]], ...] = (
    (claim_forms.numbered_boxes, (GB,)),
    (claim_forms.caps_grid, (US,)),
    (claim_forms.captions_below, (IE, GB)),
    (claim_forms.web_confirmation, (AU,)),
    (claim_forms.proof_of_loss, (US,)),
    (claim_forms.typed_leaders, (GB, IE, AU, US)),
    (claim_forms.combed_vin, (CA, US)),
    (police_reports.crash_grid, (US,)),
    (police_reports.collision_extract, (GB,)),
    (police_reports.garda_abstract, (IE,)),
    (police_reports.event_summary, (AU,)),
    (police_reports.incident_narrative, (US,)),
    (police_reports.exchange_slip, (US, GB, AU)),
    (repair_estimates.collision_software, (US,)),
    (repair_estimates.carried_forward, (GB,)),
    (quotations.quotation_letter, (IE, GB)),
    (quotations.operations_table, (AU,)),
    (quotations.small_shop, _ANY),
    (quotations.supplement, _ANY),
    (repair_estimates.boxed_summary, (GB, IE)),
    (repair_invoices.vat_analysis, (GB,)),
    (repair_invoices.repair_order, (US,)),
    (repair_invoices.tax_inside, (AU,)),
    (repair_invoices.split_between_payers, (IE,)),
    (repair_invoices.many_parts, _ANY),
    (repair_invoices.dot_matrix, _ANY),
    (repair_invoices.glass_shop, (GB, IE, AU)),
    (policies.schedule, (GB, IE)),
    (policies.declarations, (US,)),
    (policies.certificate, (GB, IE)),
    (letters.from_claimant, _ANY),
    (letters.from_insurer, _ANY),
    (letters.from_repairer, _ANY),
    (letters.from_solicitor, (GB, IE)),
)
"""Every layout with the countries it is seen in."""


def documents(count: int) -> Iterator[Sample]:
    """The documents of seeds 1 to `count`; the layouts take turns."""
    return map(make, range(1, count + 1))


def make(seed: int) -> Sample:
    """The document of one seed. Its file name says nothing about it."""
    layout, countries = LAYOUTS[seed % len(LAYOUTS)]
    rng = random.Random(f"second generator {seed}")
    country = rng.choice(countries)
    paper = layout(open_case(rng, country))
    name = f"scan-{seed:04d}.pdf"
    return paper.finished(name, f"{layout.__module__.rpartition('.')[2]}.{layout.__name__}", country.code)
