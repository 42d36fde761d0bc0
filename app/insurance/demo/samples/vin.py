"""Vehicle identification numbers with the check digit of the North American rule (position 9, modulo 11)."""

from __future__ import annotations

from random import Random
from typing import Final

_VALUES: Final = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", "012345678912345678123457923456789", strict=True))
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# The letter of the model year, from 2010 on; I, O, Q, U and Z are never used for years.
_YEARS: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
_SERIAL: Final = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


def check_digit(vin: str) -> str:
    """The digit (or X) that belongs at position 9 of a 17-character VIN, whatever stands there now."""
    remainder = sum(int(_VALUES[c]) * w for c, w in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)


def make_vin(rng: Random, maker: str, year: int) -> str:
    """A valid VIN of a three-character maker code and a model year."""
    described = "".join(rng.choices(_SERIAL, k=5))
    vin = f"{maker}{described}0{_YEARS[(year - 2010) % 30]}{rng.choice(_SERIAL)}{rng.randrange(10**6):06d}"
    return vin[:8] + check_digit(vin) + vin[9:]


def spoil(vin: str) -> str:
    """The same VIN with a wrong check digit, as a slip of the pen makes it."""
    wrong = "7" if vin[8] != "7" else "4"
    return vin[:8] + wrong + vin[9:]
