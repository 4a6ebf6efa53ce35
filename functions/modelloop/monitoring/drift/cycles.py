"""What to expect of a column at certain hours, from the phases of its cycles."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from modelloop.monitoring.drift import calendar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.contracts.cycles import Cycles


def expected(cycles: Cycles, rows: int, clock: Mapping[str, int]) -> list[float]:
    """Return the baseline counts of the drawn bins to expect of a window with that many rows by hour (YYYY-MM-DDTHH).

    `rows` are those of the whole baseline; the result is scaled to the rows that such a mix stands on: errors of the
    base and of each cycle's phases add up. Hours without a date know no phases: then it is the base.
    """
    moments = _moments(cycles, clock)
    asked = sum(moments.values())
    if not asked:
        return [rows * share for share in cycles.base]
    mix = [0.0] * len(cycles.base)
    for moment, amount in moments.items():
        shares = _at(cycles, moment)
        whole = sum(shares) * asked / amount
        mix = [before + share / whole for before, share in zip(mix, shares, strict=True)]
    spreads = {phasing.name: _spread(cycles, place, moments, asked) for place, phasing in enumerate(cycles.phasings)}
    spread = 1 / rows + joined(spreads)
    return [share / spread for share in mix]


def joined(spreads: Mapping[str, float]) -> float:
    """Return the sum of what the divisions add to the reciprocal of the rows; one within others adds its excess."""
    added = dict(spreads)
    for name in spreads:
        coarse = sum(spreads.get(outer, 0.0) for outer in calendar.WITHIN[name])
        added[name] = max(spreads[name] - coarse, 0.0)
    return sum(added.values())


def _moments(cycles: Cycles, clock: Mapping[str, int]) -> Counter[tuple[int, ...]]:
    """Count the rows by the phase of every phasing."""
    moments: Counter[tuple[int, ...]] = Counter()
    for hour, amount in clock.items():
        if phases := calendar.phases(hour):
            moments[tuple(phases[phasing.name] for phasing in cycles.phasings)] += amount
    return moments


def _at(cycles: Cycles, moment: Sequence[int]) -> list[float]:
    shares = list(cycles.base)
    for phasing, phase in zip(cycles.phasings, moment, strict=True):
        shares = [share * factor for share, factor in zip(shares, phasing.factors[phase], strict=True)]
    return shares if sum(shares) else list(cycles.base)


def _spread(cycles: Cycles, place: int, moments: Mapping[tuple[int, ...], int], asked: int) -> float:
    """Return what the phases of one cycle add to the reciprocal of the rows that the mix stands on."""
    known = cycles.phasings[place].rows
    whole = max(sum(known), 1)
    by_phase: Counter[int] = Counter()
    for moment, amount in moments.items():
        by_phase[moment[place]] += amount
    rows = sum((amount / asked) ** 2 / (known[phase] or whole) for phase, amount in by_phase.items())
    return max(rows - 1 / whole, 0.0)
