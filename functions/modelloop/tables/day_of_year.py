"""The day of the year as a point on a circle, so that 31 December lies beside 1 January.

A day has the place that its month and day have in a leap year, so a feast has one place in every year. Sine and cosine
are rounded to six digits: every platform's mathematics library agrees on these, and the engine that writes the matrix
takes them from this table instead of computing its own.
"""

from __future__ import annotations

from functools import cache
from math import cos, pi, sin

DAYS = 366
BEFORE_MONTH = (0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)  # days of a leap year
_DIGITS = 6


@cache
def points() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return sine and cosine of every day of a leap year: 1 January has the angle 0, and a year is a full turn."""
    angles = [2 * pi * day / DAYS for day in range(DAYS)]
    return tuple(round(sin(angle), _DIGITS) for angle in angles), tuple(round(cos(angle), _DIGITS) for angle in angles)
