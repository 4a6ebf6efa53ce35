from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.errors import CannotContinueError
from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from trainer import continuation
from trainer.comparison.predecessor import Predecessor
from trainer.comparison.schema_compatibility import speak_as
from trainer.comparison.transcoding import is_lossless
from trainer.export import flatten
from trainer.release import lineage
from trainer.search.candidates import Candidate
from trainer.search.estimation import estimate, go_on_with
from trainer.table import Part, PreparedTable

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = [Column("a", "number"), Column("kind", "text", ("red", "green")), Column("day", "date", origin="2020-01-01")]
ENCODING = Encoding(COLUMNS)
RULE = split.rule(kind="content", holdout=0.2)


def table(times: list[float] | None = None, encoding: Encoding = ENCODING, **spec: Any) -> PreparedTable:
    """Five rows: three train, one of them has no time, one validates, one is held out."""
    kind = "content" if times is None else "time"
    document = {
        "task": "classification", "target": "y", "classes": ["n", "y"], "salt": "s", "dataset": {"digest": "d"},
        "split": {"kind": kind, "rule": RULE},
    }  # fmt: skip
    known = None if times is None else np.array([*times[:2], np.nan, *times[2:]])
    matrix = np.zeros((5, len(encoding.slots)), np.float32)
    sides = np.array([TRAIN, TRAIN, TRAIN, VALIDATION, HOLDOUT], np.uint8)
    spec = {"estimators": ("linear",), "warm_start": True, **spec}
    return PreparedTable(document, encoding, Spec(**spec), Part(matrix, np.zeros(5), known), sides)


def predecessor(before: PreparedTable, **changes: Any) -> Predecessor:
    until = None if before.rows.times is None else float(before.rows.times[3])
    manifest = {
        "version": 3, "run_id": "r", "model": "m", "encoding": before.encoding.to_json(),
        **{name: before.document[name] for name in ("task", "target", "classes", "dataset")},
        "estimator": {"family": "linear", "settings": {}}, "environment": lineage.environment(),
        "warm_start": {"chain": []},
        "split": {"rule": RULE, "trained_until": until, "fitted_until": continuation.fitted_until(before)},
    }  # fmt: skip
    return Predecessor(manifest | changes)


def obstacle(now: PreparedTable, known: Predecessor | None) -> str | None:
    try:
        assert continuation.check(now, known) is known
    except CannotContinueError as error:
        return error.message
    return None


def document(now: PreparedTable, **changes: Any) -> PreparedTable:
    return replace(now, document=now.document | changes)


def test_a_state_is_gone_on_from_when_nothing_speaks_against_it() -> None:
    assert obstacle(table(), predecessor(table())) is None
    assert obstacle(table([1, 2, 3, 4]), predecessor(table([1, 2, 3, 4]))) is None


@pytest.mark.parametrize(("change", "reason"), [
    (lambda _: table(warm_start=False), "model.yaml does not ask for it"),
    (lambda now: document(now, task="regression"), "it was fitted for another task"),
    (lambda now: document(now, target="z"), "it was fitted for another target"),
    (lambda now: document(now, classes=["y", "n"]), "it was fitted for other classes"),
    (lambda _: table(encoding=Encoding([*COLUMNS, Column("new", "number")])), "columns, categories or missing tokens"),
    (lambda _: table(encoding=Encoding(COLUMNS[:2])), "columns, categories or missing tokens"),
    (lambda _: table(encoding=Encoding(COLUMNS, ["?"])), "columns, categories or missing tokens"),
    (lambda now: document(now, split={"kind": "content", "rule": split.rule(holdout=0.3)}), "split in another way"),
    (lambda now: document(now, split={"kind": "content"}), "split in another way"),
    (lambda now: document(now, split=None), "split in another way"),
    (lambda now: document(now, split={"kind": "content and occurrence", "rule": RULE}), "told apart by their order"),
])  # fmt: skip
def test_what_is_not_as_it_was_starts_cold(change: Callable[[PreparedTable], PreparedTable], reason: str) -> None:
    assert reason in str(obstacle(change(table()), predecessor(table())))


NOW = lineage.environment()


@pytest.mark.parametrize("environment", [
    {"packages": NOW["packages"] | {"scikit-learn": "0.1"}}, {"packages": NOW["packages"] | {"numpy": "0.1"}},
    {"packages": {}}, {"families": "other"}, {"families": None},
])  # fmt: skip
def test_other_libraries_or_code_start_cold(environment: dict[str, Any]) -> None:
    known = predecessor(table(), environment=lineage.environment() | environment)
    assert "fitted it" in str(obstacle(table(), known))


def test_without_an_earlier_version_there_is_nothing_to_go_on_from() -> None:
    assert obstacle(table(), None) == "no earlier version was fitted here"


@pytest.mark.parametrize(("times", "sound"), [
    ([1, 2, 3, 4], True), ([1, 3, 5, 7], True), ([1, 2, 3, 3.5], True), ([0, 1.9, 3, 4], False),
    ([0, 2, 2.9, 4], False),
])  # fmt: skip
def test_a_table_that_is_fitted_on_less_than_the_state_knows_starts_cold(times: list[float], sound: bool) -> None:
    found = obstacle(table(times), predecessor(table([1, 2, 3, 4])))
    assert found == (None if sound else "it has seen later rows than this table is fitted on")


def test_times_that_nobody_knows_are_no_reason_to_go_on() -> None:
    nothing = [float("nan")] * 4
    assert obstacle(table(nothing), predecessor(table([1, 2, 3, 4]))) is not None
    assert obstacle(table([1, 2, 3, 4]), predecessor(table(nothing))) is not None


@pytest.mark.parametrize(("links", "sound"), [(9, True), (10, False)])
def test_only_so_many_versions_go_on_in_a_row(links: int, sound: bool) -> None:
    known = predecessor(table(), warm_start={"chain": [{"version": number} for number in range(links)]})
    assert len(continuation.chain(known)) == links + 1
    assert (obstacle(table(), known) is None) is sound


def test_the_same_columns_in_another_order_are_translated_without_loss() -> None:
    shuffled = Encoding([
        Column("day", "date", origin="2020-01-03", required=False), Column("kind", "text", ("green", "red")), COLUMNS[0]
    ])  # fmt: skip
    assert is_lossless(shuffled, ENCODING)
    now = table(encoding=shuffled)
    now.rows.matrix[:] = np.arange(5 * now.rows.matrix.shape[1], dtype=np.float32).reshape(5, -1)
    now.rows.matrix[:, 3] = [0, 1, 2, np.nan, 0]
    found = speak_as(now, ENCODING)
    assert found.encoding.to_json()["columns"] == [
        column | {"required": column["name"] != "day"} for column in ENCODING.to_json()["columns"]
    ]
    np.testing.assert_array_equal(found.rows.matrix[:, 0], now.rows.matrix[:, 4])
    np.testing.assert_array_equal(found.rows.matrix[:, 1], [1, 0, 2, np.nan, 1])
    np.testing.assert_array_equal(found.rows.matrix[:, 2], now.rows.matrix[:, 0] + 2)
    assert obstacle(found, predecessor(table())) is None


@pytest.mark.parametrize("column", [
    Column("kind", "text", ("red", "blue")), Column("kind", "text", ("red",)), Column("kind", "number"),
    Column("kind", "date", with_time=True),
])  # fmt: skip
def test_what_another_encoding_cannot_hold_is_told(column: Column) -> None:
    assert not is_lossless(Encoding([COLUMNS[0], column, COLUMNS[2]]), ENCODING)


def flat_form(now: PreparedTable, earlier: PreparedTable, name: str) -> dict[str, Any]:
    """What comes of going on with one table from a model of another."""
    candidate = Candidate(name, {"max_iter": 8, "min_samples_leaf": 2})
    model = estimate(earlier, candidate, earlier.train).model
    found, _ = go_on_with(now, candidate, model, 7)
    return dict(flatten(found.model, now.encoding) or {})


def test_a_state_goes_on_with_the_training_part_and_nothing_of_what_is_held_out() -> None:
    generator = np.random.default_rng(1)
    matrix = generator.normal(size=(300, 1)).astype(np.float32)
    sides = np.sort(generator.choice([TRAIN, VALIDATION, HOLDOUT], 300).astype(np.uint8))
    known = table(encoding=Encoding(COLUMNS[:1]))
    labels = (matrix[:, 0] > 0).astype(np.float64)
    first, changed, other = (
        replace(known, rows=Part(matrix, np.where(sides == side, 1 - labels, labels)), membership=sides)
        for side in (None, HOLDOUT, TRAIN)
    )
    wanted = flat_form(first, first, "hist_gradient_boosting")
    assert flat_form(changed, first, "hist_gradient_boosting") == wanted
    assert flat_form(other, first, "hist_gradient_boosting") != wanted
