"""Repair estimates and invoices: every shop has its own paper, columns and way of writing amounts."""

from __future__ import annotations

from typing import Final, Literal

from app.insurance.demo.samples.model import Bill, CaseFile, LineItem, Shop
from app.insurance.demo.samples.papers.sheet import Field, FieldLayout, FontName, Sheet
from app.insurance.demo.samples.papers.written import day, money, percent

Look = Literal["grid", "columns", "itemised"]

_FIELDS: Final[dict[Look, FieldLayout]] = {"grid": "lines", "columns": "columns", "itemised": "lines"}
_FONTS: Final[dict[Look, FontName]] = {"grid": "Helvetica", "columns": "Times", "itemised": "Courier"}
_LABELS: Final[dict[Look, tuple[str, ...]]] = {
    "grid": ("No.", "Date", "Customer", "Claim number", "Policy number", "Vehicle", "VIN", "Plate"),
    "columns": ("Document number", "Issued on", "Owner", "Insurance claim", "Policy", "Vehicle", "VIN", "Plate"),
    "itemised": ("Number", "Dated", "For", "Claim no.", "Policy no.", "Car", "VIN", "License plate"),
}
_HEADS: Final[dict[Look, tuple[str, ...]]] = {
    "grid": ("Operation", "Part", "Hours", "Rate", "Parts", "Amount"),
    "columns": ("Op.", "Description", "Labor hrs", "Labor rate", "Parts price", "Line total"),
}
_SUMS: Final[dict[Look, tuple[str, str, str]]] = {
    "grid": ("Subtotal", "Sales tax", "Total"),
    "columns": ("Subtotal before tax", "Tax", "Grand total"),
    "itemised": ("Subtotal", "Tax at", "Total due"),
}


def repair_bill(case: CaseFile) -> bytes:
    """The estimate or invoice of the case on the paper of its shop."""
    bill, shop = case.bill, case.bill.shop
    sheet = Sheet(case.today, _FONTS[shop.look])
    title = "Repair Estimate" if bill.kind == "repair_estimate" else "Repair Invoice"
    sheet.heading(title, shop.name, shop.address, f"Phone {shop.phone}   Tax ID {shop.tax_id}")
    sheet.fields(_FIELDS[shop.look], _head(bill))
    sheet.section("Work to be done" if bill.kind == "repair_estimate" else "Work done")
    if shop.look == "itemised":
        for number, item in enumerate(bill.lines, 1):
            sheet.prose(_itemised(number, item, shop))
    else:
        sheet.table(_HEADS[shop.look], [_row(item, shop) for item in bill.lines], (22, 30, 10, 12, 13, 13), texts=2)
    sheet.figures(_sums(bill))
    sheet.prose(_closing(bill))
    return sheet.content()


def _head(bill: Bill) -> list[Field]:
    vehicle, shop = bill.vehicle, bill.shop
    values = (
        bill.number,
        day(bill.day, shop.days),
        bill.owner,
        bill.claim,
        bill.policy,
        f"{vehicle.year} {vehicle.make} {vehicle.model}",
        vehicle.vin,
        vehicle.plate,
    )
    return [(label, value) for label, value in zip(_LABELS[shop.look], values, strict=True) if value]


def _row(item: LineItem, shop: Shop) -> tuple[str, ...]:
    figures = (money(amount, shop.money) for amount in (item.rate, item.parts_price, item.amount))
    return (item.operation, item.part, f"{item.hours:.1f}", *figures)


def _itemised(number: int, item: LineItem, shop: Shop) -> str:
    rate, price, amount = (money(each, shop.money) for each in (item.rate, item.parts_price, item.amount))
    return f"{number}. {item.operation}: {item.part}\n   {item.hours:.1f} h x {rate}, parts {price}, amount {amount}"


def _sums(bill: Bill) -> list[Field]:
    subtotal, tax, total = _SUMS[bill.shop.look]
    style = bill.shop.money
    return [
        (subtotal, money(bill.subtotal, style)),
        (f"{tax} {percent(bill.shop.tax_rate)}", money(bill.tax, style)),
        (total, money(bill.total, style)),
    ]


def _closing(bill: Bill) -> str:
    if bill.kind == "repair_estimate":
        return "This estimate is valid for 30 days. Hidden damage may require a supplement."
    return "Payable within 14 days. Thank you for your business."
