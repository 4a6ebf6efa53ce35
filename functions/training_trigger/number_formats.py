"""Columns that are nearly numbers or dates: with a few odd cells among them, or written in another format.

They are read as text, since no locale is guessed; the texts made here say which cells prevent it and what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training_trigger.profile import Facts

MOSTLY = 0.8
MAX_SHOWN = 40
_SPACE = " \u00a0\u2009\u202f"  # and the spaces that Excel puts between thousands and before a currency
_GROUP = f"{_SPACE}'\u2019"
_SIGN, _DIGITS = "[-+]?", f"[0-9][0-9.,{_GROUP}]*"
_CURRENCY = "(?:[$€£¥]|EUR|USD|GBP|CHF)"
_MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"  # SAS and Stata write them without separators
_CODE = re.compile("0[0-9]+")  # leading zeros are not a mistake: postal codes have them


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A way to write numbers or dates that the grammar does not read; of several that fit, the first one counts."""

    name: str
    pattern: str
    advice: str


NUMBER_FORMATS = (
    NumberFormat(
        "thousands separators",
        _SIGN + rf"[0-9]{{1,3}}(?:[,{_GROUP}][0-9]{{3}})+(?:\.[0-9]+)?",
        "write 1234.5, not 1,234.5",
    ),
    NumberFormat(
        "decimal commas", _SIGN + rf"(?:[0-9]+|[0-9]{{1,3}}(?:[.{_GROUP}][0-9]{{3}})+),[0-9]+", "write 1.5, not 1,5"
    ),
    NumberFormat(
        "negative amounts in brackets",
        rf"\(\$?{_DIGITS}\)|{_DIGITS}-",
        "write -1234.5, not (1,234.50) or 1234.5-, and no thousands separators",
    ),
    NumberFormat("letters for thousands or millions", rf"{_SIGN}{_DIGITS}[{_SPACE}]?[kKmM]", "write 50000, not 50k"),
    NumberFormat("percent signs", rf"{_SIGN}{_DIGITS}%", "write 12.3, not 12.3%"),
    NumberFormat(
        "currency signs",
        rf"{_SIGN}{_CURRENCY}[{_SPACE}]?{_SIGN}{_DIGITS}|{_SIGN}{_DIGITS}{_CURRENCY}",
        "write 5, not $5, and name the currency in the header",
    ),
    NumberFormat("plus signs", r"\+[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "write 1.2, not +1.2"),
    NumberFormat(
        "decimal points without a digit on both sides",
        _SIGN + r"(?:\.[0-9]+|[0-9]+\.)",
        "write 0.5 and 1.0, not .5 and 1.",
    ),
    NumberFormat(
        "dates that are not in ISO form",
        r"(?:[0-9]{1,2}[./-][0-9]{1,2}[./-](?:[0-9]{2}|[0-9]{4})|[0-9]{4}[./-][0-9]{1,2}[./-][0-9]{1,2}"
        r"|[0-9]{1,2}[- .]+[A-Za-z]{3,9}\.?[- ,]+(?:[0-9]{2}|[0-9]{4})|[A-Za-z]{3,9}\.? [0-9]{1,2},? [0-9]{4}"
        rf"|[0-9]{{1,2}}{_MONTH}(?:[0-9]{{4}}|[0-9]{{2}}))(?:[ T:].{{1,20}})?|(?:19|20)[0-9]{{2}}[mqwh][0-9]{{1,2}}",
        "write 2026-12-31, not 31.12.2026, 12/31/2026, 2026-1-5, 31-Dec-2026 or 31DEC2026",
    ),
)
ANY = "|".join(f"(?:{written.pattern})" for written in NUMBER_FORMATS)


def nearly(facts: Facts) -> str | None:
    """Return number, date or boolean when most cells of a text column read as that, or None."""
    if facts.kind != "text" or not facts.present or facts.merged:
        return None
    for kind, count in (("number", facts.numbers), ("date", facts.dates), ("boolean", facts.booleans)):
        if count >= MOSTLY * facts.present:
            return kind
    return None


def in_other_format(facts: Facts) -> bool:
    """Return whether most cells of a text column would be numbers or dates if other formats were read too."""
    if facts.kind != "text" or not facts.foreign or nearly(facts):
        return False
    return facts.foreign + facts.numbers + facts.dates >= MOSTLY * facts.present


def explain(facts: Facts, *, masked: bool = False) -> str | None:
    """Return which cells keep a column from being numbers or dates, and what to do; None for every other column."""
    kind = nearly(facts)
    if facts.merged:
        return "it holds different whole numbers beyond 9,007,199,254,740,992 that are one number as a 64-bit float"
    if kind and facts.odd and all(_CODE.fullmatch(text) for text, _ in facts.odd):
        return None
    if kind:
        return _odd(facts, kind, masked=masked)
    if not in_other_format(facts) or facts.number_format is None:
        return None
    written = NUMBER_FORMATS[facts.number_format]
    example = "" if masked or not facts.odd else f" such as {_shown(facts.odd[0][0])}"
    holds = "" if written.name.startswith("dates") else "numbers with "
    return f"it holds {holds}{written.name}{example}: {written.advice}"


def _odd(facts: Facts, kind: str, *, masked: bool) -> str:
    odd = facts.present - {"number": facts.numbers, "date": facts.dates, "boolean": facts.booleans}[kind]
    what = {"number": "a number", "date": "an ISO date such as 2026-12-31", "boolean": "true or false"}[kind]
    count = f"{odd:,} of {facts.present:,} values {'is' if odd == 1 else 'are'} not {what}"
    if masked or not facts.odd:
        return f"{count}: correct them, or list them under `missing` in model.yaml if they mean missing"
    shown = ", ".join(f"{_shown(text)} ({count:,})" for text, count in facts.odd)
    token = facts.odd[0][0][:MAX_SHOWN].replace("\\", "\\\\").replace('"', '\\"')
    return f'{count}: {shown}; correct them, or if they mean missing, put `missing: ["{token}"]` in model.yaml'


def _shown(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")
