"""Repair estimates: collision-software print-outs, bodyshop typing over two pages, sums in a box before the lines.

The law: `total` is the price of the whole repair with tax. What remains after an excess and what is carried forward
to the next page are other numbers.
"""

from __future__ import annotations

from decimal import Decimal

from tests.claims.second_generator.bill import draw_up
from tests.claims.second_generator.case import Case
from tests.claims.second_generator.paper import Paper
from tests.claims.second_generator.stating import say_claim, say_sums


def collision_software(case: Case) -> Paper:
    """American: numbered operations with part numbers and hours on one page, the sums by category on the next."""
    paper = Paper("repair_estimate", size=8.5, letter=True, y=15)
    bill = draw_up(case, parts=6, work=2)
    car = case.car
    paper.row([(108, case.shop.upper(), "centre")], size=12, bold=True, down=4.5)
    paper.row([(108, ", ".join(case.shop_address) + f"   Phone: {case.shop_phone}", "centre")], down=7)
    paper.row(
        [(20, "Preliminary Estimate", "left"), (195, f"RO Number: {case.number('#####')}", "right")], bold=True, size=10
    )
    paper.row([(20, f"Written By: {case.other.name}, {case.day(case.written)}", "left")], down=7)
    paper.row(
        [
            (20, f"Insured: {case.holder.name}", "left"),
            (85, f"Policy #: {case.policy_number}", "left"),
            (145, f"Claim #: {case.claim_number}", "left"),
        ]
    )
    paper.row(
        [
            (20, "Type of Loss: Collision", "left"),
            (85, f"Date of Loss: {case.day(case.loss)}", "left"),
            (145, "Days to Repair: 6", "left"),
        ]
    )
    paper.row([(20, f"{car.year} {car.make.upper()} {car.model.upper()} {car.colour.upper()}", "left")])
    paper.row(
        [(20, f"VIN: {car.vin}", "left"), (85, f"License: {car.plate}", "left"), (145, "Odometer: 61,224", "left")]
    )
    paper.rule(20, 195)
    paper.y += 8
    heads = ((20, "Line"), (30, "Oper"), (45, "Description"), (100, "Part Number"))
    paper.row(
        [
            *((x, text, "left") for x, text in heads),
            (145, "Qty", "right"),
            (168, "Ext. Price $", "right"),
            (182, "Labor", "right"),
            (195, "Paint", "right"),
        ],
        bold=True,
    )
    for number, line in enumerate(bill.lines, start=1):
        hours = f"{line.quantity}" if line.kind == "labour" else "0.5"
        price = case.bare(line.amount) if line.kind == "part" else ""
        paper.row(
            [
                (20, str(number), "left"),
                (30, "Repl" if line.kind == "part" else "Rpr", "left"),
                (45, line.description, "left"),
                (100, line.part_number, "left"),
                (145, str(line.quantity) if price else "", "right"),
                (168, price, "right"),
                (182, hours, "right"),
            ]
        )
    paper.rule(20, 195, y=paper.y - 3)
    paper.row(
        [(45, "SUBTOTALS", "left"), (168, case.bare(bill.parts), "right"), (182, str(bill.hours), "right")], bold=True
    )
    paper.put(20, f"{case.day(case.written)}   {case.clock()}          Page 1", y=270, size=7)
    paper.turn()
    paper.row([(20, "ESTIMATE TOTALS", "left")], bold=True, down=7)
    rate = bill.lines[-1].unit_price
    paper.row(
        [(20, "Category", "left"), (110, "Basis", "right"), (140, "Rate", "right"), (175, "Cost $", "right")], bold=True
    )
    for name, basis, price, cost in (
        ("Parts", "", "", case.bare(bill.parts)),
        ("Body Labor", f"{bill.hours} hrs", f"@ ${rate} /hr", case.bare(bill.labour)),
        ("Subtotal", "", "", case.bare(bill.net)),
        ("Sales Tax", f"$ {case.bare(bill.parts)}", f"@ {bill.tax_rate} %", case.bare(bill.tax)),
        ("Total Cost of Repairs", "", "", case.bare(bill.total)),
        ("Deductible", "", "", case.bare(bill.excess)),
        ("Total Adjustments", "", "", case.bare(bill.excess)),
        ("Net Cost of Repairs", "", "", case.bare(bill.total - bill.excess)),
    ):
        paper.row([(20, name, "left"), (110, basis, "right"), (140, price, "right"), (175, cost, "right")])
    paper.put(20, f"{case.day(case.written)}   {case.clock()}          Page 2", y=270, size=7)
    paper.lines = None
    say_sums(paper, bill, case)
    say_claim(paper, case)
    paper.say("insured", case.holder.name)
    paper.say("deductible", bill.excess)
    paper.say("year", str(car.year))
    return paper


def carried_forward(case: Case) -> Paper:
    """British: parts over two pages, the sum carried forward and brought forward, then labour, then VAT."""
    paper = Paper("repair_estimate", size=9.5)
    bill = draw_up(case, parts=9, work=3)
    paper.row([(190, case.shop, "right")], size=14, bold=True, down=5)
    for line in (*case.shop_address, f"Tel {case.shop_phone}", "VAT Reg. No. 417 2208 91"):
        paper.row([(190, line, "right")], size=8, down=3.8)
    paper.y += 4
    paper.row(
        [(20, "ESTIMATE FOR ACCIDENT REPAIRS", "left"), (190, f"Date: {case.day(case.written)}", "right")],
        bold=True,
        down=8,
    )
    car = case.car
    for label, value in (
        ("Customer", case.holder.name),
        ("Insurer", case.insurer),
        (case.word("policy_number"), case.policy_number),
        (case.word("claim_number"), case.claim_number),
        ("Vehicle", f"{car.make} {car.model}"),
        (case.word("plate"), car.plate),
        (case.word("vin"), car.vin),
        ("Mileage", "48,310"),
    ):
        paper.row([(20, label, "left"), (65, value, "left")])
    paper.y += 5
    running = Decimal(0)
    parts = [line for line in bill.lines if line.kind == "part"]
    _part_heads(paper)
    for place, item in enumerate(parts):
        if place == 6:
            paper.row([(140, "Carried forward", "right"), (190, case.money(running), "right")], italic=True)
            paper.turn()
            paper.row([(20, f"{case.shop}, estimate for {car.plate}, sheet 2", "left")], size=8, down=8)
            _part_heads(paper)
            paper.row([(140, "Brought forward", "right"), (190, case.money(running), "right")], italic=True)
        running += item.amount
        paper.row(
            [
                (20, item.part_number, "left"),
                (62, item.description, "left"),
                (130, str(item.quantity), "right"),
                (160, case.bare(item.unit_price), "right"),
                (190, case.bare(item.amount), "right"),
            ]
        )
        paper.bill(item.amount)
    paper.y += 3
    paper.row([(160, "Parts total", "right"), (190, case.money(bill.parts), "right")], down=7)
    for item in bill.lines:
        if item.kind == "labour":
            paper.row(
                [
                    (62, f"{item.description}, {item.quantity} hrs at {case.money(item.unit_price)}", "left"),
                    (190, case.bare(item.amount), "right"),
                ]
            )
            paper.bill(item.amount)
    paper.row([(160, "Labour total", "right"), (190, case.money(bill.labour), "right")], down=7)
    for label, amount in (
        (case.word("net"), bill.net),
        (f"VAT @ {bill.tax_rate}%", bill.tax),
        (case.word("estimate_total"), bill.total),
    ):
        paper.row([(160, label, "right"), (190, case.money(amount), "right")])
    paper.put(20, "Valid for 30 days. Subject to strip and report. E. & O. E.", y=280, size=7)
    say_sums(paper, bill, case)
    say_claim(paper, case, loss=False)
    paper.allow("claimant", case.holder.name)
    paper.allow("insured", case.holder.name)
    return paper


def boxed_summary(case: Case) -> Paper:
    """Totals in a box on the top right, before the lines they sum; the label stands right of the figure."""
    paper = Paper("repair_estimate", size=9)
    bill = draw_up(case, parts=6, work=2)
    paper.row([(20, case.shop, "left")], size=14, bold=True, down=6)
    paper.row([(20, f"Repair estimate prepared for {case.insurer}", "left")], down=8)
    paper.box(128, 18, 64, 26)
    for place, (label, amount) in enumerate((("net", bill.net), (case.country.tax, bill.tax), ("TOTAL", bill.total))):
        paper.put(160, case.money(amount), y=24 + 7 * place, align="right", bold=label == "TOTAL")
        paper.put(164, label, y=24 + 7 * place, size=8)
    for label, value in (
        ("Insured", case.holder.name),
        (case.word("claim_number"), case.claim_number),
        (case.word("policy_number"), case.policy_number),
        (case.word("date_of_loss"), case.day(case.loss)),
        ("Estimate date", case.day(case.written)),
        (case.word("plate"), case.car.plate),
        (case.word("vin"), case.car.vin),
        ("Make", case.car.make),
        ("Model", case.car.model),
    ):
        paper.row([(20, label, "left"), (72, value, "left")], down=5.4)
    paper.y += 5
    for item in bill.lines:
        unit = f"{item.quantity} x" if item.kind == "part" else f"{item.quantity} h x"
        paper.row(
            [
                (20, item.description, "left"),
                (110, item.part_number, "left"),
                (150, unit, "right"),
                (168, case.bare(item.unit_price), "right"),
                (190, case.bare(item.amount), "right"),
            ]
        )
        paper.bill(item.amount)
    say_sums(paper, bill, case)
    say_claim(paper, case)
    paper.say("insured", case.holder.name)
    return paper


def _part_heads(paper: Paper) -> None:
    paper.row(
        [
            (20, "Part no.", "left"),
            (62, "Description", "left"),
            (130, "Qty", "right"),
            (160, "Each", "right"),
            (190, "Amount", "right"),
        ],
        bold=True,
    )
