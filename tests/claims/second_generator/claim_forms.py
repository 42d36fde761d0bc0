"""Claim forms: what a policyholder fills in. Boxes, captions under the line, questions and answers, typed columns.

The law: a field the form leaves blank is not in the truth, however plainly its label stands there.
"""

from __future__ import annotations

from decimal import Decimal

from tests.claims.second_generator.case import Case
from tests.claims.second_generator.paper import Paper


def numbered_boxes(case: Case) -> Paper:
    """British: numbered sections, small label left in the box and the answer right of it; an earlier claim is told."""
    paper = Paper("claim_form", size=9)
    paper.row([(20, case.insurer, "left")], size=13, bold=True, down=7)
    paper.row([(20, "MOTOR ACCIDENT REPORT FORM", "left"), (190, "Please complete in BLOCK CAPITALS", "right")], down=9)
    asked, priced = _asked_amount(case), case.word("amount_claimed")
    sections: list[tuple[str, list[tuple[str, str]]]] = [
        (
            "1. About you",
            [
                (case.one_of("Policyholder", "Name of insured", "Insured's full name"), case.holder.name.upper()),
                ("Address", ", ".join(case.holder.address)),
                ("Daytime telephone", case.holder.phone),
                (case.word("policy_number"), case.policy_number),
                (case.one_of("Claim reference (if known)", "Our claim ref."), case.claim_number),
            ],
        ),
        (
            "2. Your vehicle",
            [
                ("Make and model", f"{case.car.make} {case.car.model}"),
                (case.word("plate"), case.car.plate),
                ("Year of manufacture", str(case.car.year)),
                (case.word("vin"), case.car.vin),
                ("Where can it be inspected?", case.shop),
                ("Value before the accident", case.money(Decimal(8400))),
            ],
        ),
        (
            "3. The accident",
            [
                (case.word("date_of_loss"), case.day(case.loss)),
                ("Time", case.clock()),
                ("Place", case.place),
                ("Speed before impact", "20 mph"),
                (priced, case.money(asked)),
            ],
        ),
        (
            "4. The other vehicle",
            [
                ("Driver's name", case.other.name.upper()),
                ("Registration", case.other_car.plate),
                ("Insurer and policy no.", f"{case.country.insurers[1]}, {case.other_policy}"),
            ],
        ),
    ]
    for title, rows in sections:
        paper.row([(20, title, "left")], bold=True, down=5.5)
        for label, value in rows:
            paper.box(20, paper.y - 4, 170, 6)
            paper.put(22, label, size=7.5)
            paper.row([(80, value, "left")], font="Courier", size=9.5, down=6)
        paper.y += 3
    paper.row([(20, "5. Your account of what happened", "left")], bold=True)
    paper.prose(case.account, font="Courier", size=9)
    paper.row(
        [(20, "Any claims in the last three years?  Yes. Claim ref. MTR/21/00482, windscreen, 12/08/2021", "left")]
    )
    paper.row([(20, "Reported to the police?", "left")], down=0)
    paper.tick(70, "Yes", on=False)
    paper.tick(90, "No", on=True)
    paper.y += 9
    paper.row([(20, "Signed", "left"), (120, f"Date  {case.day(case.written)}", "left")])
    _say_common(paper, case)
    paper.say("insured", case.holder.name)
    _say_asked(paper, priced, asked)
    paper.say("year", str(case.car.year))
    return paper


def caps_grid(case: Case) -> Paper:
    """American: a grid of cells, a tiny label in capitals on top and the answer typed below it."""
    paper = Paper("claim_form", letter=True, y=18)
    paper.row([(108, "AUTOMOBILE LOSS NOTICE", "centre")], size=13, bold=True, down=6)
    paper.row(
        [(20, case.insurer.upper(), "left"), (195, f"DATE (MM/DD/YYYY): {case.written:%m/%d/%Y}", "right")], size=8
    )
    asked, priced = _asked_amount(case), case.word("amount_claimed")
    car = case.car
    grid = [
        [("POLICY NUMBER", case.policy_number), ("CLAIM NUMBER", case.claim_number), ("POLICY TYPE", "PERSONAL AUTO")],
        [
            (case.word("date_of_loss").upper(), f"{case.loss:%m/%d/%Y}"),
            ("TIME OF LOSS", case.clock()),
            ("PREVIOUSLY REPORTED", "NO"),
        ],
        [
            ("NAME OF INSURED (LAST, FIRST)", f"{case.holder.last}, {case.holder.first}".upper()),
            ("HOME PHONE", case.holder.phone),
            ("BUSINESS PHONE", ""),
        ],
        [
            ("INSURED'S MAILING ADDRESS", case.holder.address[0].upper()),
            ("CITY, STATE, ZIP", case.holder.address[1].upper()),
            ("MARITAL STATUS", ""),
        ],
        [("LOCATION OF ACCIDENT", case.place.upper())],
        [("POLICE DEPT CONTACTED", case.police.upper()), ("REPORT NUMBER", case.report_number), ("CITATIONS", "NONE")],
        [("VEH #", "1"), ("YEAR / MAKE / MODEL", f"{car.year} {car.make} {car.model}".upper()), ("V.I.N.", car.vin)],
        [("PLATE NUMBER", car.plate), ("STATE", case.holder.address[1].split(", ")[1][:2]), ("USE", "COMMUTE")],
        [(priced.upper(), case.money(asked)), ("WHEN CAN VEHICLE BE SEEN", "ANY TIME"), ("WHERE", case.shop.upper())],
    ]
    for cells in grid:
        width = 175 / len(cells)
        for place, (label, value) in enumerate(cells):
            left = 20 + place * width
            paper.box(left, paper.y - 3, width, 10)
            paper.put(left + 1, label, size=5.5)
            paper.put(left + 2, value, y=paper.y + 4.5, font="Courier", size=8.5)
        paper.y += 10
    paper.y += 3
    paper.row([(20, "DESCRIPTION OF ACCIDENT", "left")], size=6)
    paper.prose(case.account.upper(), font="Courier", size=8.5, width=172)
    _say_common(paper, case)
    paper.say("insured", case.holder.name)
    _say_asked(paper, priced, asked)
    paper.say("police_report_number", case.report_number)
    paper.say("year", str(case.car.year))
    paper.say("document_date", case.written)
    return paper


def captions_below(case: Case) -> Paper:
    """Irish: the answer stands on a ruled line and its caption, small and in italics, below it."""
    paper = Paper("claim_form", font="Times", size=11)
    paper.row([(105, case.insurer, "centre")], size=16, bold=True, down=7)
    paper.row([(105, "Notification of Motor Claim", "centre")], size=13, down=12)
    asked, priced = _asked_amount(case), case.word("amount_claimed")
    pairs = [
        ((case.policy_number, case.word("policy_number")), (case.claim_number, "claim number (office use)")),
        ((case.holder.name, "name of claimant"), (case.holder.phone, "telephone")),
        ((", ".join(case.holder.address), "address"), None),
        ((case.day(case.loss), case.word("date_of_loss")), (case.clock(), "time")),
        ((case.place, "place of accident"), None),
        ((f"{case.car.make} {case.car.model}", "make and model of vehicle"), (case.car.plate, case.word("plate"))),
        ((case.car.vin, "VIN (from the windscreen disc or door pillar)"), (str(case.car.year), "year")),
        ((case.money(asked), priced), ("none", "injuries")),
    ]
    for left, right in pairs:
        for x, answer in ((20, left), (110, right)):
            if answer:
                paper.put(x + 2, answer[0], font="Courier", size=10.5)
                paper.pdf.line(x, paper.y + 1.2, x + (80 if right else 170), paper.y + 1.2)
                paper.put(x, answer[1], y=paper.y + 4.4, size=8, italic=True)
        paper.y += 13
    paper.prose(f"How did it happen? {case.account}")
    paper.y += 4
    paper.row([(20, f"I declare these particulars to be true.   {case.holder.name}, {case.day(case.written)}", "left")])
    _say_common(paper, case)
    paper.say("claimant", case.holder.name)
    _say_asked(paper, priced, asked)
    paper.say("year", str(case.car.year))
    return paper


def web_confirmation(case: Case) -> Paper:
    """Australian: the print-out of an online lodgement, question left and answer flush right, headings between."""
    paper = Paper("claim_form", size=9.5)
    paper.row([(20, case.insurer, "left"), (190, f"Printed {case.day(case.written)}", "right")], size=8, down=10)
    paper.row([(20, "Your motor claim has been lodged", "left")], size=16, bold=True, down=9)
    paper.prose("Thank you. This is a copy of the claim form you submitted online. Keep it for your records.")
    asked = _asked_amount(case)
    blocks = [
        ("Reference", [("Claim number", case.claim_number), ("Policy number", case.policy_number)]),
        (
            "Your details",
            [
                ("Your name", case.holder.name),
                ("Contact number", case.holder.phone),
                ("Are you registered for GST?", "No"),
            ],
        ),
        (
            "The incident",
            [
                ("When did it happen?", f"{case.day(case.loss)}, {case.clock()}"),
                ("Where did it happen?", case.place),
                ("Did police attend?", "Yes"),
                ("Police event number", case.report_number),
            ],
        ),
        (
            "Your car",
            [
                ("Registration", case.car.plate),
                ("Make", case.car.make),
                ("Model", case.car.model),
                ("Year", str(case.car.year)),
                ("VIN", case.car.vin),
                ("What is damaged?", ", ".join(case.damage)),
                ("Agreed value of car", case.money(Decimal(21500))),
                ("Amount you are claiming", case.money(asked)),
            ],
        ),
    ]
    for title, rows in blocks:
        paper.y += 3
        paper.row([(20, title, "left")], bold=True, size=11, down=6)
        for question, answer in rows:
            paper.rule()
            paper.row([(20, question, "left"), (190, answer, "right")], down=6)
    paper.y += 3
    paper.prose(f"In your words: {case.account}")
    _say_common(paper, case)
    paper.allow("claimant", case.holder.name)
    paper.allow("insured", case.holder.name)
    paper.say("amount_claimed", asked)
    paper.say("damage", case.damage)
    paper.say("police_report_number", case.report_number)
    paper.say("year", str(case.car.year))
    return paper


def proof_of_loss(case: Case) -> Paper:
    """American: a sworn statement in running sentences with the answers set into them."""
    paper = Paper("claim_form", font="Times", size=11, letter=True)
    paper.row([(108, "SWORN STATEMENT IN PROOF OF LOSS", "centre")], size=14, bold=True, down=7)
    paper.row([(108, "(AUTOMOBILE)", "centre")], down=10)
    asked = _asked_amount(case)
    whole = asked + Decimal(500)
    car = case.car
    paper.row(
        [(20, f"Policy No. {case.policy_number}", "left"), (195, f"Claim No. {case.claim_number}", "right")], down=8
    )
    paper.prose(
        f"To the {case.insurer}: By the above policy of insurance you insured {case.holder.name}, hereinafter called "
        f"the insured, against loss to the following automobile: {car.year} {car.make} {car.model}, "
        f"Vehicle Identification Number {car.vin}.\n"
        f"TIME AND ORIGIN. A loss occurred on {case.long_day(case.loss)}, about the hour of {case.clock()}, at "
        f"{case.place}. {case.account}\n"
        f"The policy was issued on {case.long_day(case.loss.replace(year=2025))}.",
        pitch=5.5,
    )
    paper.y += 4
    for label, amount in (
        ("ACTUAL CASH VALUE of the automobile at the time of loss", Decimal(14200)),
        ("WHOLE LOSS AND DAMAGE", whole),
        ("LESS AMOUNT OF DEDUCTIBLE", Decimal(500)),
        ("AMOUNT CLAIMED under this policy", asked),
    ):
        paper.row([(25, label + " " + "." * 12, "left"), (190, case.money(amount), "right")], down=6)
    paper.y += 8
    paper.row([(20, f"Subscribed and sworn to before me on {case.long_day(case.written)}", "left")], down=8)
    paper.row(
        [(20, "________________________  Notary Public", "left"), (120, "________________________  Insured", "left")]
    )
    for name, value in (
        ("policy_number", case.policy_number),
        ("claim_number", case.claim_number),
        ("vin", car.vin),
        ("insured", case.holder.name),
        ("make", car.make),
        ("model", car.model),
        ("year", str(car.year)),
    ):
        paper.say(name, value)
    paper.say("date_of_loss", case.loss)
    paper.say("amount_claimed", asked)
    paper.say("deductible", Decimal(500))
    paper.allow("currency", case.country.currency)
    paper.allow("document_date", case.written)
    paper.allow("claimant", case.holder.name)
    paper.allow("place", case.place)
    paper.allow("description", case.account)
    return paper


def typed_leaders(case: Case) -> Paper:
    """A typewritten form: leader dots to the answer. Nobody has asked for an amount yet."""
    paper = Paper("claim_form", font="Courier", size=10, letter=case.country.letter_paper)
    paper.row([(20, case.insurer.upper(), "left")], down=5)
    paper.row([(20, "CLAIM FORM - PRIVATE CAR", "left")], down=9)
    car = case.car
    for label, value in (
        (case.word("claim_number"), case.claim_number),
        (case.word("policy_number"), case.policy_number),
        ("Name of claimant", case.holder.name),
        ("Address", ", ".join(case.holder.address)),
        ("Telephone", case.holder.phone),
        (case.word("date_of_loss"), case.day(case.loss)),
        ("Time of loss", case.clock()),
        ("Place of loss", case.place),
        ("Vehicle make", car.make),
        ("Vehicle model", car.model),
        (case.word("plate"), car.plate),
        (case.word("vin"), car.vin),
        ("Parts damaged", ", ".join(case.damage)),
        ("Estimate of damage", "not yet known"),
        ("Other party", case.other.name),
        ("Other party's plate", case.other_car.plate),
        ("Form completed on", case.day(case.written)),
    ):
        paper.row([(20, f"{label} {'.' * (32 - len(label))} {value}", "left")], down=5.4)
    paper.y += 4
    paper.prose("Circumstances:\n" + case.account)
    _say_common(paper, case)
    paper.say("claimant", case.holder.name)
    paper.say("damage", case.damage)
    return paper


def combed_vin(case: Case) -> Paper:
    """Two label and value pairs a line in a ruled table; the VIN is written one character to a box."""
    paper = Paper("claim_form", size=8.5, letter=case.country.letter_paper)
    paper.row([(20, case.insurer, "left"), (190, "Vehicle damage claim", "right")], size=12, bold=True, down=10)
    asked, priced = _asked_amount(case), case.word("amount_claimed")
    car = case.car
    rows = [
        (case.word("claim_number"), case.claim_number, case.word("policy_number"), case.policy_number),
        ("Claimant", case.holder.name, "Phone", case.holder.phone),
        (case.word("date_of_loss"), case.day(case.loss), "Date reported", case.day(case.written)),
        ("Make", car.make, "Model", car.model),
        ("Year", str(car.year), case.word("plate"), car.plate),
        (case.country.excess, case.money(Decimal(500)), priced, case.money(asked)),
        ("Tow company", "none", "Storage per day", case.money(Decimal(35))),
    ]
    for first, one, second, two in rows:
        for x, width, text in ((20, 40, first), (60, 45, one), (105, 42, second), (147, 43, two)):
            paper.box(x, paper.y - 4.2, width, 6.2)
            paper.put(x + 1.5, text, bold=x in {20, 105})
        paper.y += 6.2
    paper.y += 4
    paper.put(20, "VIN", bold=True)
    for place, sign in enumerate(car.vin):
        paper.box(52 + place * 6.5, paper.y - 4.2, 6.5, 6)
        paper.put(53.8 + place * 6.5, sign, font="Courier", size=11)
    paper.y += 9
    paper.row([(20, f"Place of accident: {case.place}", "left")])
    paper.prose(f"What happened: {case.account}")
    _say_common(paper, case)
    paper.say("claimant", case.holder.name)
    _say_asked(paper, priced, asked)
    paper.say("deductible", Decimal(500))
    paper.say("year", str(car.year))
    return paper


def _asked_amount(case: Case) -> Decimal:
    return Decimal(case.rng.randint(600, 9000)) + Decimal(case.rng.choice((0, 0, 25, 40, 95))) / 100


def _say_asked(paper: Paper, label: str, asked: Decimal) -> None:
    """What the repair may cost is what is asked for, to most readers; only some labels say so."""
    if "claim" in label:
        paper.say("amount_claimed", asked)
    else:
        paper.allow("amount_claimed", asked)


def _say_common(paper: Paper, case: Case) -> None:
    """What every printed form of this file asks."""
    for name, value in (
        ("claim_number", case.claim_number),
        ("policy_number", case.policy_number),
        ("vin", case.car.vin),
        ("plate", case.car.plate),
        ("make", case.car.make),
        ("model", case.car.model),
        ("place", case.place),
        ("description", case.account),
    ):
        paper.say(name, value)
    paper.say("date_of_loss", case.loss)
    paper.allow("document_date", case.written)
    paper.allow("currency", case.country.currency)
