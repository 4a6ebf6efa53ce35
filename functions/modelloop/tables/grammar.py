"""The one grammar from raw cells to typed values, for tables, requests and captures.

A cell is text (CSV) or a JSON value. It is trimmed, brought to Unicode form C, and read as missing, a number
(JSON's grammar: no leading zeros, plus signs, thousands separators or locale commas), a boolean (true or false in
any case), an ISO 8601 date or date-time (also with the offsets that databases write), or text. A column has one kind;
every cell of it is read as that kind.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from unicodedata import category, normalize

from modelloop.errors import InvalidValueError

Value = float | bool | str | None

MISSING_TOKENS = (
    "", "null", "NULL", "Null", "(null)", "<null>", "\\N", "None", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN",
    "-nan", "NaT", "#N/A", "#N/A N/A", "#NA", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!",
    "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN",
)  # fmt: skip

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
BOOLEAN = {"true": True, "false": False}
DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z| UTC| ?[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
MAX_NUMBER = 400  # characters
MAX_MARKS = 30  # in a run, as Unicode's Stream-Safe Text Format has it
EXACT_FLOAT = 2.0**53
_LAST_UNMARKED = "\u02ff"


def compose(text: str) -> str:
    """Return a text in Unicode form C; one with more than 30 combining marks in a run is returned as it is.

    Putting a run of marks in order takes time in the square of its length, so runs are counted first.
    """
    return text if len(text) > MAX_MARKS and has_long_run(text) else normalize("NFC", text)


def has_long_run(text: str) -> bool:
    """Return whether a text has more combining marks in a run than are put in order."""
    run = 0
    for sign in text:
        run = run + 1 if sign > _LAST_UNMARKED and category(sign)[0] == "M" else 0
        if run > MAX_MARKS:
            return True
    return False


def clean(text: str, missing: frozenset[str]) -> str | None:
    """Return the trimmed text in Unicode form C, or None when it is one of the missing tokens."""
    trimmed = text.strip()
    if not trimmed.isascii():
        trimmed = compose(trimmed)
    return None if trimmed in missing else trimmed


def read_number(raw: object, missing: frozenset[str]) -> float | None:
    """Read a number; raise InvalidValueError for anything that is not one or is not finite."""
    if raw is None:
        return None
    if isinstance(raw, str):
        text = clean(raw, missing)
        if text is None:
            return None
        if len(text) > MAX_NUMBER or not NUMBER.fullmatch(text):
            raise InvalidValueError(f"expected a number, got {_shown(raw)}")
        return _finite(float(text))
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise InvalidValueError(f"expected a number, got {_shown(raw)}")
    try:
        number = float(raw)
    except OverflowError as error:
        raise InvalidValueError("the number is beyond the range of a float") from error
    return None if number != number else _finite(number)  # noqa: PLR0124  NaN is the one value unequal to itself


def _finite(number: float) -> float:
    if number in (float("inf"), float("-inf")):
        raise InvalidValueError("the number is beyond the range of a float")
    return number


def read_boolean(raw: object, missing: frozenset[str]) -> bool | None:
    """Read true or false, in any case; raise InvalidValueError for anything else."""
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        text = clean(raw, missing)
        if text is None:
            return None
        if (value := BOOLEAN.get(text.lower())) is not None:
            return value
    raise InvalidValueError(f"expected true or false, got {_shown(raw)}")


def read_date(raw: object, missing: frozenset[str]) -> datetime | None:
    """Read an ISO date or date-time as UTC (no offset means UTC); raise InvalidValueError for anything else."""
    if raw is None:
        return None
    if isinstance(raw, str):
        text = clean(raw, missing)
        if text is None:
            return None
        if DATE.fullmatch(text):
            try:
                moment = datetime.fromisoformat(_iso(text))
                return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            except (ValueError, OverflowError):  # no such day, or an offset that leaves the calendar
                pass
    raise InvalidValueError(f"expected an ISO date such as 2026-01-31, got {_shown(raw)}")


def _iso(text: str) -> str:
    """Return a moment in the form that Python reads: BigQuery writes ` UTC`, other databases `+00` or ` +0000`."""
    if text.endswith("UTC"):
        return text[:-4] + "Z"
    moment, _, offset = text.rpartition(" ")
    return moment + offset if offset[:1] in {"+", "-"} else text


def read_text(raw: object, missing: frozenset[str]) -> str | None:
    """Read text; whole numbers lose their decimals, booleans are lower case; lists and objects are refused.

    A float beyond 64 bits is written with an exponent: a parser may have made it of a whole number, whose digits are
    lost, so it must not be equal to any text of digits.
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        return clean(raw, missing)
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int):
        return str(raw) if abs(raw) < 10**MAX_NUMBER else "rare number"
    if isinstance(raw, float):
        if raw != raw:  # noqa: PLR0124  NaN is the one value unequal to itself
            return None
        return str(int(raw)) if raw.is_integer() and not exceeds_64_bits(raw) else repr(raw)
    raise InvalidValueError(f"expected text, got {_shown(raw)}")


def exceeds_64_bits(number: float) -> bool:
    """Return whether a whole number of JSON of this size comes from the parser as a float, without its last digits."""
    return not -(2.0**63) <= number < 2.0**64


def value_key(text: str) -> float | str | None:
    """Return what is equal for texts of one value: the number of `1.0` and `1`, `true` for `TRUE`; None for other text.

    Whole numbers that a float does not hold exactly are other text.
    """
    if (value := BOOLEAN.get(text.lower())) is not None:
        return "true" if value else "false"
    if len(text) > MAX_NUMBER or not NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) < EXACT_FLOAT else None


def label_text(label: object) -> str:
    """Return the one text form of a class label: what predictions are counted under, and labels compared by."""
    return read_text(label, frozenset()) or ""


def _shown(raw: object) -> str:
    if isinstance(raw, str):
        return repr(raw if len(raw) <= 40 else raw[:40] + "…")  # noqa: PLR2004  enough to recognise a cell
    return {bool: "a boolean", dict: "an object", list: "a list"}.get(type(raw), "a number")
