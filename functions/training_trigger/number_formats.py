"""Columns that are nearly numbers or dates: with a few odd cells among them, or written in another notation.

They are read as text, since nothing is guessed about a locale; this says which cells are in the way and what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training_trigger.profile import Facts

MOSTLY = 0.8
LONGEST_SHOWN = 40
_SIGN, _DIGITS = "[-+]?", r"[0-9][0-9.,' ]*"
_CURRENCY = "(?:[$€£¥]|EUR|USD|GBP|CHF)"
_CODE = re.compile("0[0-9]+")  # leading zeros are no mistake: postal codes have them


@dataclass(frozen=True, slots=True)
class Notation:
    """One way to write numbers or dates that the grammar does not read; of several that fit, the first counts."""

    name: str
    pattern: str
    advice: str


NOTATIONS = (
    Notation("thousands separators", _SIGN + r"[0-9]{1,3}(?:[,' ][0-9]{3})+(?:\.[0-9]+)?", "write 1234.5, not 1,234.5"),
    Notation("decimal commas", _SIGN + r"(?:[0-9]+|[0-9]{1,3}(?:[.' ][0-9]{3})+),[0-9]+", "write 1.5, not 1,5"),
    Notation("percent signs", rf"{_SIGN}{_DIGITS}%", "write 12.3, not 12.3%"),
    Notation(
        "currency signs",
        rf"{_SIGN}{_CURRENCY} ?{_SIGN}{_DIGITS}|{_SIGN}{_DIGITS}{_CURRENCY}",
        "write 5, not $5, and name the currency in the header",
    ),
    Notation("plus signs", r"\+[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "write 1.2, not +1.2"),
    Notation(
        "points without a digit on both sides", _SIGN + r"(?:\.[0-9]+|[0-9]+\.)", "write 0.5 and 1.0, not .5 and 1."
    ),
    Notation(
        "dates that are not in ISO form",
        r"(?:[0-9]{1,2}[./-][0-9]{1,2}[./-](?:[0-9]{2}|[0-9]{4})|[0-9]{4}[./][0-9]{1,2}[./][0-9]{1,2})(?:[ T].{1,20})?",
        "write 2026-12-31, not 31.12.2026 or 12/31/2026",
    ),
)
ANY = "|".join(f"(?:{notation.pattern})" for notation in NOTATIONS)


def nearly(facts: Facts) -> str | None:
    """Return number or date when most cells of a text column read as that, or None."""
    if facts.kind != "text" or not facts.present:
        return None
    for kind, count in (("number", facts.numbers), ("date", facts.dates)):
        if count >= MOSTLY * facts.present:
            return kind
    return None


def in_other_notation(facts: Facts) -> bool:
    """Return whether most cells of a text column would be numbers or dates if another notation were read too."""
    if facts.kind != "text" or not facts.foreign or nearly(facts):
        return False
    return facts.foreign + facts.numbers + facts.dates >= MOSTLY * facts.present


def explain(facts: Facts, *, masked: bool = False) -> str | None:
    """Return which cells keep a column from being numbers or dates, and what to do; None for every other column."""
    kind = nearly(facts)
    if kind and facts.odd and all(_CODE.fullmatch(text) for text, _ in facts.odd):
        return None
    if kind:
        return _odd(facts, kind, masked=masked)
    if not in_other_notation(facts) or facts.notation is None:
        return None
    notation = NOTATIONS[facts.notation]
    example = "" if masked or not facts.odd else f" such as {_shown(facts.odd[0][0])}"
    holds = "" if notation.name.startswith("dates") else "numbers with "
    return f"it holds {holds}{notation.name}{example}: {notation.advice}"


def _odd(facts: Facts, kind: str, *, masked: bool) -> str:
    odd = facts.present - (facts.numbers if kind == "number" else facts.dates)
    what = {"number": "a number", "date": "an ISO date such as 2026-12-31"}[kind]
    told = f"{odd:,} of {facts.present:,} values {'is' if odd == 1 else 'are'} not {what}"
    if masked or not facts.odd:
        return f"{told}: mend them, or list them under `missing` in model.yaml if they mean that"
    shown = ", ".join(f"{_shown(text)} ({count:,})" for text, count in facts.odd)
    token = facts.odd[0][0][:LONGEST_SHOWN].replace("\\", "\\\\").replace('"', '\\"')
    return f'{told}: {shown}; mend them, or list them if they mean missing: `missing: ["{token}"]` in model.yaml'


def _shown(text: str) -> str:
    return repr(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…")
