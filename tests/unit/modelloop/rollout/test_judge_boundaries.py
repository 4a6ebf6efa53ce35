"""Where each question of the judge turns: the last count that passes, the last that is open, the first that is worse.

The counts come from the formulas of the bounds, with the harms that the documentation names: one error in a hundred or
a tenth more, one slow answer in twenty, three different answers in ten, a tenth of the loss or the model's margin.
"""

from __future__ import annotations

from typing import Any

import pytest

from modelloop import clock
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS
from modelloop.rollout import judge
from modelloop.rollout.judge import EXPIRED, HOLD, PROMOTE, Evidence, VersionEvidence
from modelloop.rollout.sequential import MeanSample
from modelloop.versions.evidence import Check

START = "2026-01-01T00:00:00.000Z"
BAKED = clock.later(START, minutes=60)
BINS = len(LATENCY_BOUNDS_MS) + 1


def evidence(candidate: VersionEvidence, reference: VersionEvidence, **changes: Any) -> Evidence:
    usual: dict[str, Any] = {
        "kind": "canary", "now": BAKED, "bake_until": BAKED, "bake_minutes": 60, "latency_bounds_ms": LATENCY_BOUNDS_MS,
    }  # fmt: skip
    return Evidence(candidate=candidate, reference=reference, **{**usual, **changes})


def found(name: str, given: Evidence) -> Check:
    return next(check for check in judge.judge(given).checks if check.name == name)


def requests(errors: int, of: int) -> VersionEvidence:
    return VersionEvidence(requests=of, errors=errors, rows=1_000)


@pytest.mark.parametrize(
    ("errors", "before", "of", "outcome"),
    [
        (4, 0, 400, "passed"),
        (5, 0, 400, "open"),
        (23, 0, 400, "open"),
        (24, 0, 400, "worse"),
        (77, 80, 400, "passed"),
        (78, 80, 400, "open"),
        (138, 80, 400, "open"),
        (139, 80, 400, "worse"),
        (273, 0, 20_000, "passed"),
        (274, 0, 20_000, "worse"),
    ],
)
def test_errors(errors: int, before: int, of: int, outcome: str) -> None:
    assert found("errors", evidence(requests(errors, of), requests(before, of))).outcome == outcome


def timed(slow: int, of: int, place: int = 8) -> VersionEvidence:
    """Return a side of which `slow` requests fell into a bin of latency, by default 25 to 50 ms, and others into 1."""
    latency = [0] * BINS
    latency[3], latency[place] = of - slow, slow
    return VersionEvidence(requests=of, rows=1_000, latency=latency)


@pytest.mark.parametrize(
    ("slow", "of", "outcome"),
    [
        (37, 400, "passed"),
        (38, 400, "open"),
        (59, 400, "open"),
        (60, 400, "worse"),
        (1_591, 20_000, "passed"),
        (1_592, 20_000, "worse"),
    ],
)
def test_latency(slow: int, of: int, outcome: str) -> None:
    assert found("latency", evidence(timed(slow, of), timed(of // 50, of))).outcome == outcome


def test_answers_within_25_ms_are_never_slow() -> None:
    assert found("latency", evidence(timed(390, 400, place=7), timed(8, 400))).outcome == "passed"


@pytest.mark.parametrize(
    ("reference", "slow"),
    [
        ({3: 400}, "25 ms"),
        ({9: 380, 12: 20}, "250 ms"),  # 95 % within 100 ms: slow is over the bound after that
        ({9: 379, 12: 21}, "2500 ms"),
        ({16: 400}, "10000 ms"),
    ],
)
def test_slow_is_over_the_bound_after_the_one_that_95_percent_keep(reference: dict[int, int], slow: str) -> None:
    side = VersionEvidence(requests=400, rows=1_000, latency=[reference.get(place, 0) for place in range(BINS)])
    assert f"took over {slow}:" in found("latency", evidence(side, side)).detail


def test_bounds_that_all_lie_below_25_ms_leave_the_last_one() -> None:
    side = VersionEvidence(requests=400, rows=1_000, latency=[400, 0, 0])
    assert "took over 2 ms:" in found("latency", evidence(side, side, latency_bounds_ms=(1, 2))).detail


@pytest.mark.parametrize("quiet", ["candidate", "reference"])
def test_no_warm_requests_on_one_side_are_nothing_to_compare(quiet: str) -> None:
    sides = {"candidate": timed(300, 400), "reference": timed(8, 400)} | {
        quiet: VersionEvidence(rows=1_000, latency=[0] * BINS)
    }
    assert found("latency", evidence(**sides)).outcome == "skipped"


@pytest.mark.parametrize(
    ("differently", "of", "outcome"),
    [(159, 400, "passed"), (160, 400, "worse"), (6_292, 20_000, "passed"), (6_293, 20_000, "worse")],
)
def test_pairs(differently: int, of: int, outcome: str) -> None:
    side = VersionEvidence(rows=1_000)
    assert found("pairs", evidence(side, side, kind="shadow", agreement=(of, differently))).outcome == outcome


@pytest.mark.parametrize("pairs", [None, (0, 0)])
def test_no_pairs_are_nothing_to_compare(pairs: tuple[int, int] | None) -> None:
    assert (
        found("pairs", evidence(VersionEvidence(rows=1_000), VersionEvidence(rows=1_000), agreement=pairs)).outcome
        == "skipped"
    )


@pytest.mark.parametrize(
    ("margin", "loss", "rows", "outcome"),
    [
        (0.01, 0.5418, 400, "passed"),  # a tenth of the loss is allowed, whatever the margin below it
        (0.01, 0.5419, 400, "open"),
        (0.01, 0.6932, 400, "open"),
        (0.01, 0.6933, 400, "worse"),
        (0.01, 0.5809, 10_000, "passed"),
        (0.01, 0.5810, 10_000, "worse"),
        (0.2, 0.6418, 400, "passed"),  # a wider margin is the model's own word
        (0.2, 0.6419, 400, "open"),
        (0.2, 0.7432, 400, "open"),
        (0.2, 0.7433, 400, "worse"),
        (0.2, 0.6309, 10_000, "passed"),
        (0.2, 0.6310, 10_000, "worse"),
    ],
)
def test_quality(margin: float, loss: float, rows: int, outcome: str) -> None:
    candidate, reference = (VersionEvidence(rows=1_000, losses=MeanSample(rows, mean, 0.25)) for mean in (loss, 0.5))
    assert found("quality", evidence(candidate, reference, margin=margin)).outcome == outcome


def test_a_loss_below_zero_may_be_worse_by_a_tenth_of_its_size() -> None:
    candidate, reference = (
        VersionEvidence(rows=1_000, losses=MeanSample(10_000, mean, 0.01)) for mean in (-0.92, -1.0)
    )
    assert found("quality", evidence(candidate, reference)).outcome == "passed"


@pytest.mark.parametrize(
    ("sizes", "outcome"), [((200, 200), "worse"), ((199, 900), "skipped"), ((900, 199), "skipped")]
)
def test_quality_needs_labels_on_both_sides(sizes: tuple[int, int], outcome: str) -> None:
    candidate, reference = (
        VersionEvidence(rows=1_000, losses=MeanSample(size, mean, 0.01))
        for size, mean in zip(sizes, (0.9, 0.1), strict=True)
    )
    assert found("quality", evidence(candidate, reference)).outcome == outcome
    assert found("quality", evidence(VersionEvidence(rows=1_000), reference)).outcome == "skipped"
    assert found("quality", evidence(candidate, VersionEvidence(rows=1_000))).outcome == "skipped"


def predicted(*counts: int) -> VersionEvidence:
    return VersionEvidence(rows=1_000, predictions=counts)


@pytest.mark.parametrize(
    ("candidate", "reference", "outcome"),
    [
        ((8_280, 1_720), (5_000, 5_000), "passed"),  # 0.2997 apart
        ((8_290, 1_710), (5_000, 5_000), "worse"),  # 0.3008
        ((199, 0), (0, 900), "passed"),  # too few rows to say
        ((900, 0), (0, 199), "passed"),
        ((200, 0), (0, 200), "worse"),
        ((180, 20, *[0] * 18), (100, 100, *[0] * 18), "worse"),  # 0.38; bins that nobody fills do not count
        ((*[18] * 10, *[2] * 10), [10] * 20, "passed"),  # 0.38: chance alone moves 20 bins of 200 rows nearly so far
        ((*[180] * 10, *[20] * 10), [100] * 20, "worse"),
    ],
)
def test_predictions(candidate: tuple[int, ...], reference: tuple[int, ...], outcome: str) -> None:
    assert found("predictions", evidence(predicted(*candidate), predicted(*reference))).outcome == outcome


@pytest.mark.parametrize(("rows", "others", "action"), [(200, 200, PROMOTE), (199, 900, HOLD), (900, 199, HOLD)])
def test_the_quieter_side_needs_two_hundred_rows(rows: int, others: int, action: str) -> None:
    sides = (VersionEvidence(requests=5_000, rows=amount) for amount in (rows, others))
    assert judge.judge(evidence(*sides)).action == action


def test_a_bake_ends_with_its_last_moment() -> None:
    side = requests(0, 5_000)
    assert judge.judge(evidence(side, side, now=BAKED)).action == PROMOTE
    assert judge.judge(evidence(side, side, now=clock.later(BAKED, seconds=-1))).action == HOLD


@pytest.mark.parametrize(("bake_minutes", "wait"), [(0, 60), (6, 60), (7, 63), (60, 540)])
def test_an_undecided_rollout_ends_after_ten_bakes_and_at_least_an_hour(bake_minutes: int, wait: int) -> None:
    quiet, end = requests(0, 0), clock.later(BAKED, minutes=wait)
    assert judge.expires_at(BAKED, bake_minutes) == end
    before = evidence(quiet, VersionEvidence(), bake_minutes=bake_minutes, now=clock.later(end, seconds=-1))
    assert judge.judge(before).action == HOLD
    assert judge.judge(evidence(quiet, VersionEvidence(), bake_minutes=bake_minutes, now=end)).action == EXPIRED
