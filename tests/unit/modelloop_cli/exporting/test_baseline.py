from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.monitoring.drift import baseline
from modelloop.tables.encoding import Column, Encoding
from modelloop_cli.exporting import baseline as export_baseline
from tests.support.manifests import manifest_of

if TYPE_CHECKING:
    from modelloop.contracts.manifest import Manifest

ROWS = 1_000
ENCODING = Encoding([
    Column("mass", "number"), Column("count", "number"), Column("empty", "number"), Column("male", "boolean"),
    Column("seen", "date", origin="2026-01-01"), Column("island", "text", ("Biscoe", "Dream")),
])  # fmt: skip


def matrix() -> Any:
    random = np.random.default_rng(3)
    found = np.column_stack([
        random.normal(0, 10, ROWS), random.integers(1, 6, ROWS), np.full(ROWS, np.nan), random.integers(0, 2, ROWS),
        random.integers(0, 300, ROWS), np.ones(ROWS), np.ones(ROWS), random.integers(0, 3, ROWS),
    ]).astype(np.float32)  # fmt: skip
    found[::10, 0] = np.nan
    return found


def manifest(classes: list[str] | None = None) -> Manifest:
    predictions = np.arange(ROWS) % 2 if classes else np.linspace(-1, 1, ROWS)
    known = baseline.build(ENCODING, matrix(), predictions, classes, mask=())
    island = replace(next(column for column in manifest_of().profile if column.name == "island"), distinct=7)
    return manifest_of(baseline=known, profile=(island,))


def features(document: dict[str, Any]) -> dict[str, Any]:
    return {feature["name"]: feature for feature in document["features"]}


def test_numbers_have_the_figures_and_the_bins_of_the_training_part() -> None:
    column = matrix()[:, 0].astype(float)
    present = column[~np.isnan(column)]

    found = features(export_baseline.statistics(manifest()))["mass"]

    assert found["inferred_type"] == "Fractional"
    figures = found["numerical_statistics"]
    assert figures["common"] == {"num_present": 900, "num_missing": 100}
    for name, expected in (("mean", present.mean()), ("std_dev", present.std()), ("sum", present.sum())):
        assert figures[name] == pytest.approx(expected)
    assert (figures["min"], figures["max"]) == (present.min(), present.max())
    buckets = figures["distribution"]["kll"]["buckets"]
    assert (buckets[0]["lower_bound"], buckets[-1]["upper_bound"]) == (present.min(), present.max())
    assert all(one["upper_bound"] == after["lower_bound"] for one, after in pairwise(buckets))
    for place, one in enumerate(buckets):
        above = present >= one["lower_bound"] if place == 0 else present > one["lower_bound"]
        assert one["count"] == int((above & (present <= one["upper_bound"])).sum())


def test_categories_are_counted_and_rare_ones_are_not_listed() -> None:
    codes = matrix()[:, -1]

    found = features(export_baseline.statistics(manifest(["no", "yes"])))

    island = found["island"]["string_statistics"]
    assert island["common"] == {"num_present": ROWS, "num_missing": 0}
    assert island["distinct_count"] == 7
    assert island["distribution"]["categorical"]["buckets"] == [
        {"value": "Biscoe", "count": int((codes == 0).sum())}, {"value": "Dream", "count": int((codes == 1).sum())},
    ]  # fmt: skip
    assert {one["value"] for one in found["male"]["string_statistics"]["distribution"]["categorical"]["buckets"]} == {
        "false", "true"
    }  # fmt: skip
    assert "distribution" not in found["seen"]["string_statistics"]
    assert found["predict"]["string_statistics"]["distribution"]["categorical"]["buckets"] == [
        {"value": "no", "count": 500}, {"value": "yes", "count": 500},
    ]  # fmt: skip


def test_a_column_without_a_value_has_no_figures() -> None:
    empty = features(export_baseline.statistics(manifest()))["empty"]["numerical_statistics"]
    assert empty == {
        "common": {"num_present": 0, "num_missing": ROWS}, "distribution": {
            "kll": {"buckets": [], "sketch": {"parameters": {"c": 0.64, "k": 2048}, "data": [[]]}},
        },
    }  # fmt: skip


def test_constraints_say_what_the_training_part_kept_to() -> None:
    document = export_baseline.constraints(manifest(["no", "yes"]))
    found = features(document)

    assert found["mass"]["completeness"] == 0.9
    assert found["mass"]["num_constraints"] == {"is_non_negative": False}
    assert found["count"]["num_constraints"] == {"is_non_negative": True}
    assert found["count"]["inferred_type"] == "Integral"
    assert found["male"]["string_constraints"] == {"domains": ["false", "true"]}
    assert "string_constraints" not in found["island"], "values were seen that are not listed"
    monitoring = document["monitoring_config"]
    assert monitoring["distribution_constraints"]["comparison_method"] == "Robust"
    assert list(found) == ["mass", "count", "empty", "male", "seen", "island", "predict"]


def test_both_documents_have_the_version_and_the_rows() -> None:
    document = export_baseline.statistics(manifest())
    assert (document["version"], document["dataset"]) == (0, {"item_count": ROWS})
    assert export_baseline.constraints(manifest())["version"] == 0


def test_a_baseline_from_before_the_figures_is_exported_without_them() -> None:
    known = manifest().baseline
    columns = tuple(replace(column, moments=None) for column in known.columns)
    old = replace(known, columns=columns, prediction=replace(known.prediction, moments=None))

    mass = features(export_baseline.statistics(manifest_of(baseline=old)))["mass"]["numerical_statistics"]

    assert "mean" not in mass
    assert sum(one["count"] for one in mass["distribution"]["kll"]["buckets"]) == 900
