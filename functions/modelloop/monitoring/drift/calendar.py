"""Cycles of the calendar (UTC) and the phases that they are divided into.

A cycle may have a finer division beside a coarse one: hours of the week beside weekdays and hours of day, quarters of
months beside months. It adds what the coarse ones do not tell. Its phases begin where theirs do, so that what changes
with the month is not blurred.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

HOURS, WEEKDAYS = 24, 7
DAY_SECONDS = 86_400.0
DAY, WEEK, MONTH, YEAR = "day", "week", "month", "year"
LENGTHS = {DAY: 1.0, WEEK: 7.0, MONTH: 30.44, YEAR: 365.0}  # days; two years without a leap day are two
MONTHS, QUARTERS_OF_MONTHS = "months", "quarters_of_months"
QUARTERS = (-0.375, -0.125, 0.125, 0.375)  # months from the middle of their month
QUARTER_DAYS = 8  # the quarters of a month begin on its 1st, 9th, 17th and 25th


class Division(NamedTuple):
    """One division of a cycle into phases; `within` names the coarser ones that it divides further."""

    name: str
    cycle: str
    phases: int
    within: tuple[str, ...] = ()


DIVISIONS = (
    Division("hours", DAY, HOURS),
    Division("weekdays", WEEK, WEEKDAYS),
    Division("hours_of_week", WEEK, WEEKDAYS * HOURS, ("hours", "weekdays")),
    Division("days_of_month", MONTH, 31),
    Division(MONTHS, YEAR, 12),
    Division(QUARTERS_OF_MONTHS, YEAR, 48, (MONTHS,)),
)

WITHIN = {division.name: division.within for division in DIVISIONS}


def phases(hour: str) -> dict[str, int]:
    """Return the phase of every division that an hour (YYYY-MM-DDTHH) lies in; none for a stamp of another form."""
    if len(hour) != len("YYYY-MM-DDTHH"):
        return {}
    day, clock = date.fromisoformat(hour[:10]), int(hour[11:])
    month = day.month - 1
    return {
        "hours": clock,
        "weekdays": day.weekday(),
        "hours_of_week": day.weekday() * HOURS + clock,
        "days_of_month": day.day - 1,
        "months": month,
        "quarters_of_months": month * 4 + min((day.day - 1) // QUARTER_DAYS, 3),
    }
