"""Verdicts over time, and one column's two distributions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from control import handler as module
from modelloop import clock, keys
from modelloop.aws.registry import manifests
from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.contracts.quality_verdict import Figure, RealisedFigure
from modelloop.contracts.verdicts import DrawnBins, JointDrift, JointPair, Span
from modelloop.ids import uuid7
from modelloop.monitoring import summary
from modelloop.monitoring.summary import Summary, SummaryKey
from modelloop.versions.run import Run
from tests.support import verdicts
from tests.support.baselines import baseline_of, labels, numbers
from tests.support.manifests import manifest_of
from tests.support.runs import dataset
from tests.support.stores import ARTIFACTS
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.verdicts import ColumnDrift

MASS = numbers("mass", [1.0, 2.0], [100, 100, 100], mean=1.5)
ISLAND = labels("island", ["Biscoe", "Dream"], [200, 90], missing=10)
BASELINE = baseline_of(MASS, ISLAND, prediction=labels("prediction", ["no", "yes"], [150, 150]))
CHECK = {"name": "beats the trivial model", "passed": True, "outcome": "passed", "detail": "it does"}
SPAN = Span("2026-01-01T10:00:00.000Z", "2026-01-01T12:00:00.000Z")


def ask(topic: str, query: dict[str, str] | None = None) -> tuple[int, Any]:
    answer = module.handler(
        {
            "resource": f"/models/{{model}}/{topic}",
            "httpMethod": "GET",
            "pathParameters": {"model": "m", "version": "1"},
            "queryStringParameters": query,
            "requestContext": {},
        },
        None,
    )
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def loop(registry: Registry) -> Registry:
    """A model whose version 1 has a baseline."""
    module._services.cache_clear()
    manifests.read.cache_clear()
    manifests.read.cache_clear()
    run = registry.create_run(Run("m", uuid7(), "upload", dataset("1"), "spec", clock.now()))
    registry.register_version("m", run.run_id, version_facts(family="linear"))
    metrics = {"holdout": {"log_loss": {"value": 0.1}}, "trivial": {"log_loss": {"value": 0.7}}, "champion": None}
    gate = {"decision": "release", "checks": [CHECK], "comparisons": [], "reasons": []}
    manifest = manifest_of(model="m", version=1, run_id=run.run_id, baseline=BASELINE).to_json()
    manifest |= {"metrics": metrics, "gate": gate, "role": "?"}
    Bucket("artifacts").put(keys.version("m", run.run_id, keys.MANIFEST), json.dumps(manifest).encode())
    return registry


def put_drift(registry: Registry, minute: int, status: str = "ok", *columns: ColumnDrift, **facts: Any) -> None:
    stamp = f"2026-01-01T12:{minute:02}:00.000Z"
    registry.put_verdict(verdicts.drift(stamp, status, window=SPAN, rows=90, columns=columns, **facts))


def count(hour: str, variant: str, in_bins: list[int], version: int = 1) -> None:
    live: Counts = {"counts": in_bins, "missing": 0, "unseen": 0, "millionths": 4_000_000 * sum(in_bins)}
    columns: Counts = {"mass": live, "island": {"counts": [0, sum(in_bins)], "missing": 0, "unseen": 0}}
    prediction: Counts = {"counts": [0, sum(in_bins)], "missing": 0, "unseen": 0}
    counts: Counts = {"sampled": sum(in_bins), "columns": columns, "prediction": prediction}
    body = summary.to_bytes(Summary(SummaryKey("m", hour, version, variant), counts))
    Bucket("artifacts").put(keys.summary("m", hour, version, variant, "", "d"), body)


@pytest.mark.usefixtures("loop")
def test_a_version_shows_the_manifest_whole_and_its_standing() -> None:
    _, found = ask("versions/{version}")
    assert found["metrics"]["trivial"] == {"log_loss": {"value": 0.7}}
    assert found["metrics"]["holdout"] == {"log_loss": {"value": 0.1}}
    assert found["gate"]["checks"] == [CHECK]
    assert (found["family"], found["role"], found["status"]) == ("linear", None, "cleared")


def test_drift_over_time_is_told_in_short_and_page_by_page(loop: Registry) -> None:
    still = verdicts.column("island", 0.05, bins=DrawnBins(("any",), (1,), (1,)))
    date = verdicts.column("day", 0.9, informational=True)
    for minute, distance in ((0, 0.02), (5, 0.2), (10, 0.4)):
        put_drift(loop, minute, "drift" if minute else "ok", date, verdicts.column("mass", distance), still)

    assert "history" not in ask("drift")[1]
    _, first = ask("drift", {"limit": "2"})
    _, second = ask("drift", {"limit": "2", "next": first["next"], "column": "mass"})

    assert first["updated_at"] == second["updated_at"] == "2026-01-01T12:10:00.000Z"
    assert [(one["updated_at"][14:16], one["status"], one["worst"]["name"]) for one in first["history"]] == [
        ("10", "drift", "mass"), ("05", "drift", "mass"),
    ]  # fmt: skip
    (oldest,) = second["history"]
    assert (oldest["worst"]["name"], oldest["worst"]["distance"]) == ("island", 0.05)
    assert (oldest["column"]["name"], oldest["column"]["distance"]) == ("mass", 0.02)
    assert "column" not in first["history"][0]
    assert "bins" not in json.dumps(first["history"])
    assert second["next"] is None


def test_pairs_that_changed_together_are_told_now_and_over_time(loop: Registry) -> None:
    pair = JointPair(("mass", "(prediction)"), 0.3, 0.1, 1e-9)
    put_drift(loop, 0, "ok")
    put_drift(loop, 5, "drift", joint=JointDrift(6, 1, (pair,)))
    _, found = ask("drift", {"limit": "2"})
    assert (found["joint"]["found"], found["joint"]["pairs"][0]["columns"]) == (1, ["mass", "(prediction)"])
    assert [one["joint"] for one in found["history"]] == [[["mass", "(prediction)"]], []]
    record = loop.get_model("m").drift
    assert record is not None
    assert record.drifted == 1


def test_quality_over_time_has_figures_with_their_intervals(loop: Registry) -> None:
    for minute, value in ((0, 0.9), (5, 0.8)):
        metrics = {"accuracy": RealisedFigure(Figure(value, 0.7, 1.0), None)}
        loop.put_verdict(verdicts.quality(f"2026-01-01T12:{minute:02}:00.000Z", metrics=metrics))
    _, found = ask("quality", {"limit": "20"})
    assert [one["metrics"]["accuracy"]["value"] for one in found["history"]] == [0.8, 0.9]
    assert found["next"] is None


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"limit": "0"}, 422, "limit"),
        ({"next": "x"}, 400, "next"),
        ({"column": "nothing"}, 404, "column"),
    ],
)
def test_what_cannot_be_told_says_why(loop: Registry, query: dict[str, str], status: int, field: str) -> None:
    put_drift(loop, 0)
    found = ask("drift", query)
    assert (found[0], found[1]["field"]) == (status, field)


def test_a_column_is_shown_with_both_distributions(loop: Registry) -> None:
    put_drift(loop, 0, "drift")
    count("2026-01-01T10", "champion", [0, 0, 60])
    count("2026-01-01T11", "challenger", [0, 10, 20])
    for elsewhere in (("2026-01-01T11", "shadow", [9, 9, 9]), ("2026-01-01T12", "champion", [7, 7, 7])):
        count(*elsewhere)
    count("2026-01-01T10", "champion", [5, 5, 5], version=2)

    _, found = ask("drift", {"column": "mass"})

    column = found["column"]
    assert column["bins"] == {
        "labels": ["≤ 1", "≤ 2", "> 2", "(missing)", "(unseen)"],
        "baseline": [100, 100, 100, 0, 0],
        "window": [0, 10, 80, 0, 0],
    }
    assert (column["rows"], column["mean"]) == ({"baseline": 300, "window": 90}, {"baseline": 1.5, "window": 4.0})
    assert column["distance"] > column["threshold"]
    assert "history" not in found
    _, answers = ask("drift", {"column": "prediction"})
    assert answers["column"]["is_prediction"]
    assert answers["column"]["bins"]["window"] == [0, 90, 0, 0]


def test_before_the_first_verdict_a_column_is_shown_as_it_was_in_training(loop: Registry) -> None:
    assert ask("drift", {"column": "island"})[0] == 404
    run_id = loop.get_version("m", 1).run_id
    pointers.publish(ARTIFACTS, Pointer("m", 1, champion=VersionRef(1, run_id, "f", "s", 1)), None)

    status, found = ask("drift", {"column": "island"})

    assert (status, found["status"]) == (200, "insufficient_data")
    assert found["column"]["bins"]["baseline"] == [200, 90, 10, 0]
    assert found["column"]["bins"]["window"] == [0, 0, 0, 0]
    assert (found["column"]["distance"], found["column"]["mean"]["window"]) == (None, None)
