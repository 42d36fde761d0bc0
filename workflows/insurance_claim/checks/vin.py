"""The check digit of a vehicle identification number.

Source: 49 CFR 565.15(c), tables III to V (transliteration, weights, check digit), which fixes position 9 of the 17
characters of ISO 3779. The check digit is mandatory for vehicles sold in the United States and Canada and customary
elsewhere only for some makers, so a failure is a reason to look, not a proof.
"""

from __future__ import annotations

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"  # I, O and Q are not used
_LETTER_VALUES = (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9)
_VALUES = dict(zip(_LETTERS, _LETTER_VALUES, strict=True)) | {str(digit): digit for digit in range(10)}
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECK_POSITION = 8


def check_digit(vin: str) -> str | None:
    """The check digit these 17 characters call for ('0' to '9' or 'X'); None when they cannot be a VIN."""
    if len(vin) != len(_WEIGHTS) or not set(vin) <= set(_VALUES):
        return None
    remainder = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)


def has_valid_check_digit(vin: str) -> bool:
    """True when position 9 is the check digit the other characters call for."""
    return check_digit(vin) == vin[_CHECK_POSITION : _CHECK_POSITION + 1]
