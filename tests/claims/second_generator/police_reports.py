"""Police and collision reports: grids, extracts, abstracts, event summaries, narratives, exchange slips.

The law: with two vehicles in a report and nothing saying whose side the reader is on, the report states no one VIN,
plate or policy: the truth has none, and naming either is a guess.
"""

from __future__ import annotations

from tests.claims.second_generator.case import Car, Case, Person
from tests.claims.second_generator.paper import Paper


def crash_grid(case: Case) -> Paper:
    """American: numbered boxes and two units, each with its own VIN, plate and policy."""
    paper = Paper("police_report", letter=True, size=8, y=16)
    paper.row([(108, "TRAFFIC CRASH REPORT", "centre")], size=13, bold=True, down=5)
    paper.row([(108, case.police.upper(), "centre")], down=7)
    _cells(
        paper,
        [
            ("1 LOCAL REPORT NUMBER", case.report_number),
            ("2 CRASH DATE", f"{case.loss:%m/%d/%Y}"),
            ("3 TIME", f"{case.rng.randint(6, 21):02d}40"),
            ("4 CRASH SEVERITY", "PDO"),
        ],
    )
    _cells(paper, [("5 LOCATION", case.place.upper()), ("6 LIGHT / 7 WEATHER", "DAYLIGHT, RAIN")])
    for number, person, car, policy in _both_sides(case):
        paper.y += 2
        paper.row([(20, f"UNIT {number}", "left")], bold=True, down=4)
        _cells(paper, [("DRIVER NAME: LAST, FIRST", f"{person.last}, {person.first}".upper()), ("PHONE", person.phone)])
        _cells(
            paper,
            [
                ("YEAR", str(car.year)),
                ("MAKE", car.make.upper()),
                ("MODEL", car.model.upper()),
                ("COLOR", car.colour.upper()),
            ],
        )
        _cells(paper, [("LICENSE PLATE #", car.plate), ("VEHICLE IDENTIFICATION #", car.vin)])
        _cells(paper, [("INSURANCE COMPANY", case.country.insurers[number - 1].upper()), ("POLICY #", policy)])
    paper.y += 4
    paper.row([(20, "NARRATIVE", "left")], bold=True)
    _tell(
        paper,
        case,
        f"UNIT 1 WAS NORTHBOUND. UNIT 2 FAILED TO YIELD AND STRUCK UNIT 1. DAMAGE TO {', '.join(case.damage).upper()}. "
        "NO INJURIES CLAIMED AT SCENE. BOTH UNITS DRIVEN AWAY.",
        width=172,
    )
    paper.row(
        [(20, f"OFFICER  J. {case.other.last.upper()}   BADGE 4471   REPORT DATE {case.written:%m/%d/%Y}", "left")]
    )
    _allow_shared(paper, case)
    _say_event(paper, case)
    paper.allow("document_date", case.written)
    return paper


def collision_extract(case: Case) -> Paper:
    """British: a constabulary's extract with a fee note; label and value in a list, the reference right on top."""
    paper = Paper("police_report", size=10)
    paper.row([(20, case.police, "left")], size=15, bold=True, down=6)
    paper.row([(20, "Collisions and Disclosure Unit, PO Box 41, Wessmoor", "left")], size=8, down=9)
    paper.row([(190, f"Collision ref: {case.report_number}", "right")], bold=True)
    paper.row([(190, f"Date of issue: {case.day(case.written)}", "right")], down=10)
    paper.row([(20, "EXTRACT FROM ROAD TRAFFIC COLLISION REPORT", "left")], bold=True, down=8)
    for label, value in (
        (case.one_of("Date of collision", "Date of accident", "Collision date"), case.day(case.loss)),
        ("Time", f"{case.clock()} hrs"),
        ("Location", case.place),
        ("Reporting officer", f"PC 2217 {case.other.last}"),
        ("Road surface", "Wet / damp"),
        ("Fee paid", "£98.70"),
    ):
        paper.row([(20, f"{label}:", "left"), (70, value, "left")], down=6)
    for number, person, car, policy in _both_sides(case):
        paper.y += 3
        paper.row([(20, f"Vehicle {number}", "left")], bold=True)
        paper.row([(20, f"{car.colour.capitalize()} {car.make} {car.model}, index {car.plate}", "left")])
        paper.row([(20, f"Driver: {person.name}, {', '.join(person.address)}", "left")])
        paper.row([(20, f"Insured with {case.country.insurers[number - 1]}, policy {policy}", "left")])
    paper.y += 4
    paper.row([(20, "Officer's summary:", "left")])
    _tell(paper, case, f"Vehicle 2 collided with Vehicle 1. Damage to Vehicle 1: {', '.join(case.damage)}.")
    _allow_shared(paper, case)
    _say_event(paper, case)
    paper.allow("currency", "GBP")  # of the fee
    paper.say("document_date", case.written)
    return paper


def garda_abstract(case: Case) -> Paper:
    """Irish: an abstract of particulars, told in sentences on a letterhead."""
    paper = Paper("police_report", font="Times", size=11)
    paper.row([(105, case.police.upper(), "centre")], size=14, bold=True, down=8)
    paper.row([(105, "ABSTRACT OF PARTICULARS RELATING TO ROAD TRAFFIC COLLISION", "centre")], bold=True, down=10)
    paper.row(
        [(20, f"PULSE incident no. {case.report_number}", "left"), (190, case.long_day(case.written), "right")], down=9
    )
    holder, car = case.holder, case.car
    _tell(
        paper,
        case,
        f"At {case.clock()} hours on {case.long_day(case.loss)} a collision was reported at {case.place}. "
        f"The vehicle concerned was a {car.year} {car.make} {car.model}, registration number {car.plate}, chassis number "
        f"{car.vin}, driven by {holder.name} of {', '.join(holder.address)}. It was insured with {case.insurer} under "
        f"policy number {case.policy_number}.\n"
        f"No other vehicle was involved. Damage was observed to the {', '.join(case.damage)}. No person was injured and "
        "no prosecution is contemplated.",
        pitch=5.6,
    )
    paper.y += 8
    paper.row([(20, "Garda 31448F", "left")])
    _say_event(paper, case)
    paper.say("document_date", case.written)
    _say_car(paper, case)
    paper.say("policy_number", case.policy_number)
    paper.allow("year", str(car.year))
    paper.allow("insured", holder.name)
    paper.allow("claimant", holder.name)
    return paper


def event_summary(case: Case) -> Paper:
    """Australian: values in the left column, what they are in the right one."""
    paper = Paper("police_report", size=10)
    paper.row([(20, "POLICE", "left")], size=20, bold=True, down=8)
    paper.row([(20, f"{case.police}: Traffic crash event summary", "left")], size=12, down=12)
    car = case.car
    for value, label in (
        (case.report_number, "Event number"),
        (case.day(case.loss), case.one_of("Crash date", "Date of crash", "Date of incident")),
        (case.clock(), "Crash time"),
        (case.place, "Crash location"),
        (case.holder.name, "Reported by"),
        (f"{car.make}", "Vehicle make"),
        (car.model, "Vehicle model"),
        (car.plate, case.word("plate")),
        (car.vin, "VIN"),
        (case.other_car.plate, "Other vehicle (left the scene)"),
        (case.day(case.written), "Summary issued"),
    ):
        paper.put(20, value, font="Courier", size=10.5)
        paper.put(120, label, italic=True, size=9)
        paper.rule()
        paper.y += 7
    paper.y += 4
    paper.prose("This summary is issued for insurance purposes. No finding of fault is made by police.", size=8)
    _say_event(paper, case)
    _say_car(paper, case)
    paper.allow("document_date", case.written)
    paper.allow("claimant", case.holder.name)
    paper.allow("insured", case.holder.name)
    return paper


def incident_narrative(case: Case) -> Paper:
    """American: a report in capitals, the second page all narrative; one vehicle, hit while parked."""
    paper = Paper("police_report", font="Courier", size=9.5, letter=True)
    car = case.car
    paper.row([(20, case.police.upper(), "left"), (195, "PAGE 1 OF 2", "right")])
    paper.row([(20, "INCIDENT REPORT - HIT AND RUN, PARKED VEHICLE", "left")], down=9)
    for label, value in (
        ("CASE NO", case.report_number),
        ("REPORTED", f"{case.written:%m/%d/%Y} {case.clock()}"),
        ("OCCURRED", f"{case.loss:%m/%d/%Y} {case.clock()}"),
        ("LOCATION", case.place.upper()),
        ("VICTIM/OWNER", case.holder.name.upper()),
        ("DOB", "06/17/1979"),
        ("PHONE", case.holder.phone),
        ("VEHICLE", f"{car.year} {car.make} {car.model} {car.colour}".upper()),
        ("LIC", car.plate),
        ("VIN", car.vin),
        ("INSURER", case.insurer.upper()),
        ("POLICY", case.policy_number),
    ):
        paper.row([(20, f"{label + ':':<16}{value}", "left")], down=5.5)
    paper.turn()
    paper.row(
        [(20, f"{case.police.upper()}  CASE NO {case.report_number}", "left"), (195, "PAGE 2 OF 2", "right")], down=9
    )
    paper.row([(20, "NARRATIVE:", "left")])
    _tell(
        paper,
        case,
        f"ON {case.loss:%m/%d/%Y} THE VICTIM PARKED THE ABOVE VEHICLE AT THE LISTED LOCATION. UPON RETURN THE VICTIM FOUND "
        f"DAMAGE TO THE {', '.join(case.damage).upper()}. NO NOTE WAS LEFT. ON {case.written:%m/%d/%Y} I REVIEWED CAMERA "
        "FOOTAGE WITH NEGATIVE RESULTS. CASE SUSPENDED PENDING FURTHER LEADS.",
        width=172,
    )
    _say_event(paper, case)
    _say_car(paper, case)
    paper.say("policy_number", case.policy_number)
    paper.allow("document_date", case.written)
    paper.allow("year", str(car.year))
    paper.allow("insured", case.holder.name)
    paper.allow("claimant", case.holder.name)
    return paper


def exchange_slip(case: Case) -> Paper:
    """A police exchange slip: the two parties side by side in two columns under one set of labels."""
    paper = Paper("police_report", size=9, letter=case.country.letter_paper)
    paper.row([(105, "DRIVER INFORMATION EXCHANGE", "centre")], size=14, bold=True, down=6)
    paper.row([(105, f"issued at the scene by {case.police}", "centre")], down=9)
    paper.row(
        [
            (20, f"Police report no. {case.report_number}", "left"),
            (190, f"Collision date: {case.day(case.loss)}", "right"),
        ]
    )
    paper.row([(20, f"Location of collision: {case.place}", "left")], down=9)
    paper.row([(70, "Driver A", "left"), (130, "Driver B", "left")], bold=True, down=6)
    (_, one, first, policy), (_, two, second, other) = _both_sides(case)
    for label, left, right in (
        ("Name", one.name, two.name),
        ("Phone", one.phone, two.phone),
        ("Vehicle", f"{first.make} {first.model}", f"{second.make} {second.model}"),
        ("Plate", first.plate, second.plate),
        ("VIN", first.vin, second.vin),
        ("Insurer", case.country.insurers[0], case.country.insurers[1]),
        ("Policy no.", policy, other),
    ):
        paper.rule()
        paper.row([(20, label, "left"), (70, left, "left"), (130, right, "left")], down=6.5)
    _allow_shared(paper, case)
    _say_event(paper, case)
    return paper


def _cells(paper: Paper, cells: list[tuple[str, str]]) -> None:
    """One line of boxes, the label small on top of its value."""
    width = 175 / len(cells)
    for place, (label, value) in enumerate(cells):
        paper.box(20 + place * width, paper.y - 3, width, 9)
        paper.put(21 + place * width, label, size=5.5)
        paper.put(21 + place * width, value, y=paper.y + 4.2, size=8.5)
    paper.y += 9


def _both_sides(case: Case) -> list[tuple[int, Person, Car, str]]:
    """Both vehicles, in either order: a report does not know who will read it."""
    sides = [(case.holder, case.car, case.policy_number), (case.other, case.other_car, case.other_policy)]
    case.rng.shuffle(sides)
    return [(number, *side) for number, side in enumerate(sides, start=1)]


def _allow_shared(paper: Paper, case: Case) -> None:
    """Where both cars are of one make or model, naming it is no guess."""
    if case.car.make == case.other_car.make:
        paper.allow("make", case.car.make)
        paper.allow("model", case.car.model)


def _say_event(paper: Paper, case: Case) -> None:
    paper.say("police_report_number", case.report_number)
    paper.say("date_of_loss", case.loss)
    paper.say("place", case.place)


def _say_car(paper: Paper, case: Case) -> None:
    paper.say("vin", case.car.vin)
    paper.say("plate", case.car.plate)
    paper.say("make", case.car.make)
    paper.say("model", case.car.model)


def _tell(paper: Paper, case: Case, story: str, *, width: float = 170, pitch: float = 4.6) -> None:
    """The officer's words: free text, of which an extractor may take what it likes as description or damage."""
    paper.prose(story, width=width, pitch=pitch)
    paper.allow("description", story)
    paper.allow("damage", case.damage)
