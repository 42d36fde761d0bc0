"""Repair invoices: tax invoices, repair orders with deposits, prices with the tax inside, dot matrix, glass.

The law: `total` is what the repair cost with tax, whoever pays which part of it: a deposit, an excess taken at the
counter and a balance are other numbers.
"""

from __future__ import annotations

from decimal import Decimal

from tests.claims.second_generator.bill import Bill, cents, draw_up
from tests.claims.second_generator.case import Case
from tests.claims.second_generator.paper import Paper
from tests.claims.second_generator.stating import say_car, say_sums


def vat_analysis(case: Case) -> Paper:
    """British: addressed to the insurer, a VAT analysis by rate in small print, amount due at the foot."""
    paper = Paper("repair_invoice", size=9)
    bill, number = draw_up(case, parts=5, work=3), case.number("SI-#####")
    paper.row([(20, case.shop, "left")], size=15, bold=True, down=5)
    paper.row([(20, f"{', '.join(case.shop_address)}  Tel. {case.shop_phone}", "left")], size=8, down=10)
    paper.row([(20, "INVOICE", "left")], size=18, down=8)
    top = paper.y
    for line in ("Invoice to:", case.insurer, "Motor Claims, PO Box 90", "Pellam"):
        paper.row([(20, line, "left")])
    paper.y = top
    for label, value in (
        ("Invoice no.", number),
        ("Tax point", case.day(case.written)),
        ("Your ref.", case.claim_number),
        ("Policyholder", case.holder.name),
        (case.word("policy_number"), case.policy_number),
    ):
        paper.row([(118, label, "left"), (156, value, "left")])
    paper.y += 3
    paper.row(
        [(20, f"Vehicle: {case.car.make} {case.car.model}   Reg: {case.car.plate}   VIN: {case.car.vin}", "left")],
        down=8,
    )
    _columns(paper, ("Description", "Qty/Hrs", "Unit", "VAT", "Net"))
    for item in bill.lines:
        paper.row(
            [
                (20, item.description, "left"),
                (115, str(item.quantity), "right"),
                (140, case.bare(item.unit_price), "right"),
                (160, "S", "right"),
                (190, case.bare(item.amount), "right"),
            ]
        )
        paper.bill(item.amount)
    paper.rule(y=paper.y - 3)
    paper.y += 4
    paper.row(
        [
            (20, "VAT analysis:  code S   rate 20.00%", "left"),
            (85, f"goods {case.bare(bill.net)}", "left"),
            (115, f"VAT {case.bare(bill.tax)}", "left"),
        ],
        size=7,
        down=0,
    )
    for label, amount in (("Total net", bill.net), ("Total VAT", bill.tax), (case.word("invoice_total"), bill.total)):
        paper.row([(165, label, "right"), (190, case.money(amount), "right")], bold=amount == bill.total)
    paper.put(
        105,
        "Bank: Wessmoor Provident  Sort 00-41-77  Account 40071225   VAT no. 417 2208 91   Co. reg. 0199442",
        y=285,
        size=6.5,
        align="centre",
    )
    _say_bill(paper, case, bill, number)
    say_car(paper, case)
    paper.say("policy_number", case.policy_number)
    paper.say("insured", case.holder.name)
    paper.allow("claim_number", case.claim_number)
    return paper


def repair_order(case: Case) -> Paper:
    """American: a closed repair order; a deposit was paid, so the balance is not the total."""
    paper = Paper("repair_invoice", size=9, letter=True, y=16)
    bill, number = draw_up(case, parts=5, work=3), case.number("######")
    paper.row([(108, case.shop, "centre")], size=15, bold=True, down=5)
    paper.row([(108, f"{', '.join(case.shop_address)} - {case.shop_phone}", "centre")], size=8, down=8)
    paper.row(
        [(20, f"FINAL INVOICE # {number}", "left"), (195, f"RO # {case.number('#####')}", "right")], bold=True, down=7
    )
    car = case.car
    left = [f"Bill to: {case.holder.name}", *case.holder.address, case.holder.phone]
    right = [
        f"Invoice date: {case.day(case.written)}",
        f"{car.year} {car.make} {car.model}",
        f"{case.word('vin')}: {car.vin}",
        f"Plate {car.plate}  Mileage out 61,230",
        f"Ins. Co: {case.insurer}",
        f"{case.word('claim_number')}: {case.claim_number}",
        f"{case.word('date_of_loss')}: {case.day(case.loss)}",
    ]
    for place, line in enumerate(right):
        paper.row([(20, left[place] if place < len(left) else "", "left"), (110, line, "left")])
    paper.y += 5
    for title, kind in (("PARTS", "part"), ("LABOR", "labour")):
        paper.row([(20, title, "left")], bold=True)
        for item in bill.lines:
            if item.kind == kind:
                detail = f"{item.quantity} hrs @ {item.unit_price}" if kind == "labour" else item.part_number
                paper.row(
                    [(24, item.description, "left"), (100, detail, "left"), (195, case.money(item.amount), "right")]
                )
                paper.bill(item.amount)
    deposit = Decimal(case.rng.choice((100, 200, 350)))
    paper.y += 4
    for label, amount in (
        ("Parts", bill.parts),
        ("Labor", bill.labour),
        ("Subtotal", bill.net),
        (f"Sales tax {bill.tax_rate}% (parts)", bill.tax),
        ("TOTAL", bill.total),
        ("Deposit received", -deposit),
        ("BALANCE DUE", bill.total - deposit),
    ):
        shown = case.money(amount) if amount > 0 else f"({case.money(-amount)})"
        paper.row([(160, label, "right"), (195, shown, "right")])
    paper.put(
        20,
        "All parts are new unless noted. Payment is due on pick-up. Storage $45.00 per day after 3 days.",
        y=268,
        size=7,
    )
    _say_bill(paper, case, bill, number)
    say_car(paper, case)
    paper.say("claim_number", case.claim_number)
    paper.say("date_of_loss", case.loss)
    paper.allow("year", str(car.year))
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    return paper


def tax_inside(case: Case) -> Paper:
    """Australian tax invoice: prices with GST in them, and a line that says how much of it that is."""
    paper = Paper("repair_invoice", size=9.5)
    bill, number = draw_up(case, parts=4, work=2), case.number("INV####")
    paper.row([(190, "TAX INVOICE", "right")], size=16, bold=True, down=6)
    for line in (case.shop, f"ABN {case.number('## ### ### ###')}", *case.shop_address):
        paper.row([(20, line, "left")])
    paper.y += 3
    for label, value in (
        ("Invoice", number),
        ("Issued", case.day(case.written)),
        ("Customer", case.holder.name),
        (case.word("claim_number"), case.claim_number),
        ("Rego", case.car.plate),
        (case.word("vin"), case.car.vin),
        ("Car", f"{case.car.make} {case.car.model}"),
    ):
        paper.row([(20, label.upper(), "left")], size=6.5, down=3.6)
        paper.row([(20, value, "left")], down=5.4)
    paper.y += 3
    gross = Decimal(0)
    for item in bill.lines:
        amount = cents(item.amount * Decimal("1.1"))
        gross += amount
        paper.row([(20, item.description, "left"), (190, case.money(amount), "right")], down=5.6)
        paper.bill(amount)
    inside = cents(gross / 11)
    paper.rule(120, 190, y=paper.y - 3.5)
    paper.y += 1
    paper.row([(120, "Total inc. GST", "left"), (190, case.money(gross), "right")], bold=True, size=11)
    paper.row([(120, "Total includes GST of", "left"), (190, case.money(inside), "right")], size=8)
    paper.row([(120, "Excess received from customer", "left"), (190, case.money(bill.excess), "right")], size=8)
    paper.put(20, "BSB 000-417  Acct 7120 4471  Please quote invoice number. Terms 14 days.", y=280, size=7)
    for name, value in (("invoice_number", number), ("claim_number", case.claim_number)):
        paper.say(name, value)
    paper.say("document_date", case.written)
    paper.say("total", gross)
    paper.say("tax", inside)
    paper.say("deductible", bill.excess)
    paper.allow("currency", "AUD")
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    say_car(paper, case)
    return paper


def split_between_payers(case: Case) -> Paper:
    """Irish: the customer pays the excess and the VAT, the insurer the rest; three amounts due and one total."""
    paper = Paper("repair_invoice", font="Times", size=11)
    bill, number = draw_up(case, parts=5, work=2), case.number("2026/####")
    paper.row([(20, case.shop, "left"), (190, "Invoice", "right")], size=16, bold=True, down=6)
    paper.row([(20, ", ".join(case.shop_address), "left"), (190, number, "right")], down=9)
    paper.row([(20, f"Date of invoice: {case.day(case.written)}", "left"), (190, f"Insurer: {case.insurer}", "right")])
    paper.row(
        [
            (20, f"{case.word('claim_number')}: {case.claim_number}", "left"),
            (190, f"{case.word('policy_number')}: {case.policy_number}", "right"),
        ]
    )
    paper.row([(20, f"{case.word('plate')}: {case.car.plate}", "left"), (190, f"Insured: {case.holder.name}", "right")])
    paper.row(
        [
            (20, f"{case.word('date_of_loss')}: {case.day(case.loss)}", "left"),
            (190, f"{case.word('vin')}: {case.car.vin}", "right"),
        ],
        down=9,
    )
    for item in bill.lines:
        paper.row(
            [(20, str(item.quantity), "left"), (35, item.description, "left"), (190, case.money(item.amount), "right")],
            down=5.6,
        )
        paper.bill(item.amount)
    paper.y += 3
    for label, amount in (
        ("Total excluding VAT", bill.net),
        (f"VAT {bill.tax_rate}%", bill.tax),
        ("Total", bill.total),
        ("Less excess paid by customer", bill.excess),
        ("Less VAT paid by customer", bill.tax),
        ("Due from insurer", bill.total - bill.excess - bill.tax),
    ):
        paper.row([(150, label, "right"), (190, case.money(amount), "right")], down=5.6)
    _say_bill(paper, case, bill, number)
    for name, value in (
        ("claim_number", case.claim_number),
        ("policy_number", case.policy_number),
        ("vin", case.car.vin),
        ("plate", case.car.plate),
        ("insured", case.holder.name),
    ):
        paper.say(name, value)
    paper.say("date_of_loss", case.loss)
    paper.say("deductible", bill.excess)
    return paper


def many_parts(case: Case) -> Paper:
    """Ruled columns with part numbers over two pages, 'continued', and the subtotal of a page that is not the bill's."""
    paper = Paper("repair_invoice", size=8.5, letter=case.country.letter_paper)
    bill, number = draw_up(case, parts=12, work=4), case.number("A-####")
    label = case.word("claim_number")

    _invoice_head(paper, case, number, label)
    running = Decimal(0)
    for place, item in enumerate(bill.lines):
        if place == 9:
            paper.row([(160, "Page subtotal", "right"), (190, case.bare(running), "right")], bold=True)
            paper.row([(190, "continued on page 2", "right")], italic=True)
            paper.turn()
            _invoice_head(paper, case, number, label)
            paper.row([(160, "Subtotal carried from page 1", "right"), (190, case.bare(running), "right")], bold=True)
        running += item.amount
        for x, width in ((20, 38), (58, 72), (130, 15), (145, 20), (165, 25)):
            paper.box(x, paper.y - 3.8, width, 5.4)
        paper.row(
            [
                (21, item.part_number or "LABOUR", "left"),
                (59, item.description, "left"),
                (144, str(item.quantity), "right"),
                (164, case.bare(item.unit_price), "right"),
                (189, case.bare(item.amount), "right"),
            ],
            down=5.4,
        )
        paper.bill(item.amount)
    paper.y += 3
    for words, amount in (
        ("Subtotal", bill.net),
        (f"{case.country.tax} {bill.tax_rate}%", bill.tax),
        (f"{case.word('invoice_total')} ({case.country.currency})", bill.total),
    ):
        paper.row([(160, words, "right"), (190, case.bare(amount), "right")], bold=amount == bill.total)
    _say_bill(paper, case, bill, number)
    say_car(paper, case)
    paper.say("claim_number", case.claim_number)
    paper.say("policy_number", case.policy_number)
    paper.say("currency", case.country.currency)
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    return paper


def dot_matrix(case: Case) -> Paper:
    """All capitals, fixed pitch, rows of dashes, no currency sign anywhere."""
    paper = Paper("repair_invoice", font="Courier", size=10, letter=case.country.letter_paper)
    bill, number = draw_up(case, parts=5, work=2), case.number("######")
    paper.row([(20, case.shop.upper(), "left")])
    paper.row([(20, " ".join(case.shop_address).upper(), "left")], down=7)
    day = case.day(case.written).upper()
    paper.row([(20, f"INVOICE {number}          DATE {day}          PAGE 1", "left")], down=7)
    car = case.car
    for label, value in (
        ("CUSTOMER", case.holder.name.upper()),
        ("VEHICLE", f"{car.make} {car.model}".upper()),
        ("PLATE", car.plate),
        (case.word("vin").upper(), car.vin),
        (case.word("claim_number").upper(), case.claim_number),
    ):
        paper.row([(20, f"{label:<32}{value}", "left")])
    paper.row([(20, "-" * 74, "left")])
    for item in bill.lines:
        text = f"{item.quantity!s:>5}  {item.description.upper()[:34]:<36}{case.bare(item.unit_price):>12}{case.bare(item.amount):>14}"
        paper.row([(20, text, "left")], down=4.6)
        paper.bill(item.amount)
    paper.row([(20, "-" * 74, "left")])
    for label, amount in (
        ("NET AMOUNT", bill.net),
        (f"{case.country.tax.upper()} {bill.tax_rate}%", bill.tax),
        (case.word("invoice_total").upper(), bill.total),
    ):
        paper.row([(20, f"{label:>52}{case.bare(amount):>17}", "left")], down=4.6)
    paper.row([(20, f"PAID BY CARD {case.day(case.written).upper()}   THANK YOU", "left")])
    _say_bill(paper, case, bill, number)
    say_car(paper, case)
    paper.say("claim_number", case.claim_number)
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    return paper


def glass_shop(case: Case) -> Paper:
    """A windscreen replaced: a single job, the sums in a sentence and again in a box."""
    paper = Paper("repair_invoice", size=10)
    bill, number = draw_up(case, only=("glass",), work=1), case.number("G/#####")
    paper.row([(105, "Clearpane Mobile Glass", "centre")], size=16, bold=True, down=6)
    paper.row([(105, f"Invoice {number} of {case.long_day(case.written)}", "centre")], down=10)
    paper.prose(
        f"Work carried out at your home on your {case.car.make} {case.car.model}, registration {case.car.plate}, under "
        f"claim number {case.claim_number} with {case.insurer}.",
        width=165,
    )
    paper.y += 4
    for item in bill.lines:
        paper.row([(20, item.description, "left"), (150, case.money(item.amount), "left")], down=6)
        paper.bill(item.amount)
    paper.y += 3
    paper.box(108, paper.y - 5, 82, 24)
    for label, amount in (
        ("Net", bill.net),
        (f"{case.country.tax} at {bill.tax_rate}%", bill.tax),
        ("To pay", bill.total),
    ):
        paper.row([(112, label, "left"), (186, case.money(amount), "right")], down=7)
    _say_bill(paper, case, bill, number)
    paper.say("claim_number", case.claim_number)
    paper.say("plate", case.car.plate)
    paper.allow("make", case.car.make)
    paper.allow("model", case.car.model)
    return paper


def _invoice_head(paper: Paper, case: Case, number: str, label: str) -> None:
    paper.row([(20, case.shop, "left"), (190, f"INVOICE {number}", "right")], size=12, bold=True, down=6)
    paper.row(
        [
            (20, f"Date {case.day(case.written)}", "left"),
            (62, f"{label} {case.claim_number}", "left"),
            (130, f"Policy no. {case.policy_number}", "left"),
        ]
    )
    paper.row(
        [
            (20, f"Make {case.car.make}", "left"),
            (70, f"Model {case.car.model}", "left"),
            (130, f"Plate {case.car.plate}", "left"),
        ]
    )
    paper.row([(20, f"VIN {case.car.vin}", "left"), (130, f"For {case.holder.name}", "left")], down=8)
    paper.row(
        [
            (21, "Part number", "left"),
            (59, "Description", "left"),
            (144, "Qty", "right"),
            (164, "Price", "right"),
            (189, "Amount", "right"),
        ],
        bold=True,
    )


def _columns(paper: Paper, heads: tuple[str, str, str, str, str]) -> None:
    first, *others = heads
    places = zip((115, 140, 160, 190), others, strict=True)
    paper.row([(20, first, "left"), *((x, text, "right") for x, text in places)], bold=True)
    paper.rule(y=paper.y - 3.6)


def _say_bill(paper: Paper, case: Case, bill: Bill, number: str) -> None:
    say_sums(paper, bill, case)
    paper.say("invoice_number", number)
    paper.say("document_date", case.written)
