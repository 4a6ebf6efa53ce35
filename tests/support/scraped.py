"""What a scraper finds: an example model with every kind of state as the product writes it, read as Prometheus does."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from control.prometheus import families
from control.prometheus.families import ModelState
from modelloop.contracts.loop_state import ActivityTotals, LoopCounts
from modelloop.contracts.model_record import ModelRecord
from modelloop.contracts.quality_verdict import Figure, VersionQuality
from modelloop.contracts.verdicts import JointDrift
from modelloop.monitoring import traffic
from modelloop.monitoring.cost import Rates
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS, Summary, SummaryKey
from tests.support import verdicts
from tests.support.versions import serving

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts

NOW = "2026-11-23T12:10:00.000Z"
SCRAPER = {"up": frozenset({"job", "instance"})}  # what a scraper adds of its own
_COMMENT = re.compile(r"# (?:HELP|TYPE) [a-z_]+ .*")
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(?P<name>[a-zA-Z_]\w*)="(?P<value>(?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


def example() -> ModelState:
    """Return a model of which everything is known."""
    warm: Counts = {"counts": [5, *[0] * len(LATENCY_BOUNDS_MS)], "micros": 50}
    counts: Counts = {
        "requests": 5, "rows": 9, "errors": {"X": 1}, "latency": {"warm": warm}, "busy_micros": 4, "charged": 5,
    }  # fmt: skip
    variants = (("champion", 3), ("challenger", 4), ("shadow", 5))
    summaries = [Summary(SummaryKey("m", "2026-11-23T11", version, name), counts) for name, version in variants]
    column = verdicts.column("a", 0.25)
    done = LoopCounts({"upload/SUCCEEDED": 1}, {"drift": 1}, {"promote": 1})
    quality = VersionQuality(3, 9, 4, 0.4, 0, {"accuracy": Figure(0.9, 0.8, 1.0)})
    return ModelState(
        ModelRecord("m", NOW, serving=serving(champion=3, challenger=4, shadow=5, weight=10)),
        traffic.totals(None, summaries, model="m", now=NOW),
        verdicts.drift(
            NOW, "drift", columns=(column,), prediction=replace(column, name="prediction"), joint=JointDrift(78, 2)
        ),
        verdicts.quality(NOW, coverage=0.5, versions=(quality,)),
        ActivityTotals("m", 0, LoopCounts({}, {}, {}), done, {"QUEUED": 1}, 1, NOW),
        Rates(512, 0.1, 0.2),
    )


def labels_by_metric(text: str) -> dict[str, frozenset[str]]:
    """Return the names of all labels that each metric has in a text of Prometheus's exposition format."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in text.splitlines():
        if not _COMMENT.fullmatch(line):
            sample = _SAMPLE.fullmatch(line)
            assert sample, f"no sample: {line}"
            labels = sample["labels"] or ""
            assert _LABEL.sub("", labels) == "", f"no labels: {labels}"
            float(sample["value"])
            found[sample["name"]] |= {label["name"] for label in _LABEL.finditer(labels)}
    return {name: frozenset(labels) for name, labels in found.items()}


def told_labels() -> dict[str, frozenset[str]]:
    """Return the names of the labels that a scraper finds at each metric."""
    return labels_by_metric(families.render([example()])) | SCRAPER
