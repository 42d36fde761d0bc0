"""Estimates of small shops: a quotation by letter, a table by operation, typing in capitals, a supplement.

The law: `total` is the price of the whole repair with tax; what an earlier version came to is another number.
"""

from __future__ import annotations

from decimal import Decimal

from tests.claims.second_generator.bill import cents, draw_up
from tests.claims.second_generator.case import Case
from tests.claims.second_generator.paper import Paper
from tests.claims.second_generator.stating import say_claim, say_sums


def quotation_letter(case: Case) -> Paper:
    """Irish: a quotation in letter form, 'to supply and fit', the price on dots at the end of the line."""
    paper = Paper("repair_estimate", font="Times", size=11)
    bill = draw_up(case, parts=4, work=1)
    paper.row([(105, case.shop, "centre")], size=17, bold=True, down=6)
    paper.row([(105, ", ".join(case.shop_address), "centre")], size=9, down=12)
    paper.row([(20, case.holder.name, "left"), (190, case.long_day(case.written), "right")])
    for line in case.holder.address:
        paper.row([(20, line, "left")])
    paper.y += 5
    paper.row([(20, f"QUOTATION: {case.car.make} {case.car.model}, {case.car.plate}", "left")], bold=True, down=8)
    paper.prose(
        f"Following our inspection we are pleased to quote for the repair of your vehicle (VIN {case.car.vin}):"
    )
    paper.y += 2
    for item in bill.lines:
        words = (
            f"To supply and fit {item.description.lower()}" if item.kind == "part" else f"To {item.description.lower()}"
        )
        paper.row([(25, words + " " + "." * 20, "left"), (180, case.money(item.amount), "right")], down=6)
        paper.bill(item.amount)
    for label, amount in (
        ("Total before VAT", bill.net),
        (f"VAT at {bill.tax_rate}%", bill.tax),
        (case.one_of("Total including VAT", "Total inc. VAT", "Quotation total"), bill.total),
    ):
        paper.row([(150, label, "right"), (180, case.money(amount), "right")], down=6)
    paper.y += 4
    paper.prose(
        f"If your insurers are dealing with this, please give them our letter; your claim number is "
        f"{case.claim_number}. We would need the car for four days."
    )
    paper.y += 6
    paper.row([(20, "Yours faithfully,", "left")])
    say_sums(paper, bill, case)
    for name, value in (
        ("vin", case.car.vin),
        ("plate", case.car.plate),
        ("make", case.car.make),
        ("model", case.car.model),
        ("claim_number", case.claim_number),
    ):
        paper.say(name, value)
    paper.say("document_date", case.written)
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    return paper


def operations_table(case: Case) -> Paper:
    """Australian: a ruled table with a money column per operation, the line's own sum in the last one."""
    paper = Paper("repair_estimate", size=8.5)
    bill = draw_up(case, parts=5, work=0)
    rng = case.rng
    paper.row(
        [(20, case.shop, "left"), (190, f"ABN {case.number('## ### ### ###')}", "right")], size=12, bold=True, down=6
    )
    paper.row(
        [(20, f"{', '.join(case.shop_address)}  Ph {case.shop_phone}", "left"), (190, "Lic. MVRL 4471", "right")],
        down=8,
    )
    paper.row([(105, "QUOTE", "centre")], size=14, bold=True, down=8)
    car = case.car
    paper.row(
        [
            (20, f"Owner: {case.holder.name}", "left"),
            (85, f"Rego: {car.plate}", "left"),
            (135, f"Date: {case.day(case.written)}", "left"),
        ]
    )
    paper.row(
        [
            (20, f"Make/Model: {car.make} {car.model}", "left"),
            (85, f"VIN: {car.vin}", "left"),
            (145, f"Built: 06/{car.year}", "left"),
        ]
    )
    paper.row(
        [
            (20, f"Insurer: {case.insurer}", "left"),
            (100, f"Claim: {case.claim_number}", "left"),
            (145, f"DOL: {case.day(case.loss)}", "left"),
        ],
        down=8,
    )
    edges = (20, 88, 110, 132, 154, 190)
    _ruled(paper, edges, ("Item", "R&R", "Repair", "Paint", "Total ex GST"), bold=True)
    net = Decimal(0)
    for line in bill.lines:
        columns = [
            Decimal(rng.randrange(3, 30) * 10),
            Decimal(rng.choice((0, 60, 120))),
            Decimal(rng.choice((0, 180, 240))),
        ]
        amount = sum(columns, line.amount)
        net += amount
        _ruled(paper, edges, (line.description, *(case.bare(c) if c else "" for c in columns), case.bare(amount)))
        paper.bill(amount)
    tax = cents(net * bill.tax_rate / 100)
    for label, amount in (
        ("Sub total", net),
        ("GST 10%", tax),
        (case.one_of("Quote total inc GST", "TOTAL", "Total inc. GST", "Quote total"), net + tax),
    ):
        _ruled(paper, (110, 154, 190), (label, case.money(amount)))
    paper.y += 6
    paper.prose("Quote excludes hidden damage. Rates: R&R $38/hr, paint $42/hr.", size=7)
    say_claim(paper, case)
    paper.say("subtotal", net)
    paper.say("tax", tax)
    paper.say("total", net + tax)
    paper.allow("currency", "AUD")
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    paper.states.pop("policy_number")
    return paper


def small_shop(case: Case) -> Paper:
    """Typed in capitals on plain paper: quantity, words, amount; no claim, no policy, no VIN."""
    paper = Paper("repair_estimate", font="Courier", size=10.5, letter=case.country.letter_paper)
    bill = draw_up(case, parts=4, work=2)
    paper.row([(20, case.shop.upper(), "left")], bold=True)
    for line in (*case.shop_address, case.shop_phone):
        paper.row([(20, line.upper(), "left")])
    paper.y += 5
    paper.row([(20, f"ESTIMATE    {case.day(case.written).upper()}", "left")], down=7)
    paper.row([(20, f"NAME  {case.holder.name.upper()}", "left"), (120, f"TAG  {case.car.plate}", "left")])
    paper.row([(20, f"CAR   {case.car.year} {case.car.make.upper()} {case.car.model.upper()}", "left")], down=8)
    for item in bill.lines:
        how_many = f"{item.quantity}" if item.kind == "part" else f"{item.quantity}H"
        paper.row(
            [(20, how_many, "left"), (38, item.description.upper(), "left"), (180, case.bare(item.amount), "right")]
        )
        paper.bill(item.amount)
    paper.row([(180, "----------", "right")])
    tax = f"{case.country.tax.upper()} {bill.tax_rate}%" + (" ON PARTS" if bill.parts_only else "")
    for label, amount in (("", bill.net), (tax, bill.tax), (case.word("estimate_total").upper(), bill.total)):
        paper.row([(38, label, "left"), (180, case.bare(amount), "right")])
    paper.y += 8
    paper.row([(20, "THANK YOU. PRICES GOOD FOR 30 DAYS.", "left")])
    paper.say("tax", bill.tax)
    paper.say("total", bill.total)
    paper.say("document_date", case.written)
    paper.say("plate", case.car.plate)
    paper.allow("subtotal", bill.net)
    paper.allow("make", case.car.make)
    paper.allow("model", case.car.model)
    paper.allow("year", str(case.car.year))
    paper.allow("currency", case.country.currency)
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    return paper


def supplement(case: Case) -> Paper:
    """A supplement: what was allowed before, what is asked on top, and the revised total of the repair."""
    paper = Paper("repair_estimate", size=9.5, letter=case.country.letter_paper)
    first, extra = draw_up(case, parts=4, work=2), draw_up(case, parts=2, work=1)
    paper.row([(20, case.shop, "left")], size=13, bold=True, down=6)
    paper.row(
        [(20, "Supplementary estimate no. 1", "left"), (190, f"Prepared {case.day(case.written)}", "right")],
        bold=True,
        down=8,
    )
    for label, value in (
        (case.word("claim_number"), case.claim_number),
        (case.word("policy_number"), case.policy_number),
        (case.word("date_of_loss"), case.day(case.loss)),
        (case.word("vin"), case.car.vin),
        (case.word("plate"), case.car.plate),
        ("Make", case.car.make),
        ("Model", case.car.model),
    ):
        paper.put(20, label, size=7.5)
        paper.put(20, value, y=paper.y + 4.4)
        paper.y += 9.5
    paper.row([(20, "Additional damage found on strip-down", "left"), (190, case.country.currency, "right")], bold=True)
    for item in extra.lines:
        paper.rule()
        paper.row(
            [
                (20, item.description, "left"),
                (150, f"{item.quantity} x {case.bare(item.unit_price)}", "right"),
                (190, case.bare(item.amount), "right"),
            ],
            down=6,
        )
    paper.lines = None
    paper.y += 4
    for label, amount in (
        ("Estimate of record", first.total),
        ("This supplement, net", extra.net),
        (f"{case.country.tax} on supplement", extra.tax),
        ("Revised total of repair", first.total + extra.total),
    ):
        paper.row([(150, label, "right"), (190, case.bare(amount), "right")], bold=label.startswith("Revised"))
    say_claim(paper, case)
    paper.say("total", first.total + extra.total)
    paper.say("currency", case.country.currency)
    paper.allow("subtotal", extra.net)
    paper.allow("tax", extra.tax)
    return paper


def _ruled(paper: Paper, edges: tuple[int, ...], cells: tuple[str, ...], *, bold: bool = False) -> None:
    """One ruled row; the first cell to the left, the others to the right."""
    for place, text in enumerate(cells):
        left, right = edges[place], edges[place + 1]
        paper.box(left, paper.y - 4, right - left, 5.6)
        paper.put(left + 1 if place == 0 else right - 1, text, align="left" if place == 0 else "right", bold=bold)
    paper.y += 5.6
