"""Whatever the history of captures and feedback, the joined counts equal a recomputation from scratch."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import orjson

from modelloop.ids import uuid7
from modelloop.monitoring import summary
from modelloop.monitoring.quality import outcomes
from tests.support.manifests import manifest_of

HISTORIES = 1_000
CLASSES = ["a", "b", "c"]
MANIFEST = manifest_of(classes=tuple(CLASSES))


class Store:
    """The objects of one hour, joined after every arrival as the verdicts do."""

    def __init__(self) -> None:
        self.index: list[bytes] = []
        self.feedback: list[bytes] = []
        self.joined: dict[str, Any] = {}

    def arrive(self, entries: list[bytes], labels: list[bytes]) -> None:
        self.index += entries
        self.feedback += labels
        known = outcomes.read_labels(self.feedback)
        self.joined = outcomes.join(self.index, known, lambda version: MANIFEST if version < 3 else None)


def history(source: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    entries, labels = [], []
    for _ in range(source.randint(1, 6)):
        rows = source.randint(1, 3)
        entry: dict[str, Any] = {
            "id": uuid7(source.randint(0, 10**12)), "offset": source.choice([0, 0, 3]), "version": source.randint(1, 3),
            "variant": "champion", "rollout": "", "predict": source.choices(CLASSES, k=rows), "proba": None,
            "slices": None,
        }  # fmt: skip
        entries += [entry] * source.choice([1, 1, 2])
        if source.random() < 0.3:
            entries.append(entry | {"version": 2})
        for row in range(rows):
            labels += [
                {"id": entry["id"], "row": entry["offset"] + row, "label": source.choice([*CLASSES, "z"]),
                 "time": f"2026-11-2{source.randint(0, 3)}T00:00:00.000Z"}
                for _ in range(source.choice([0, 1, 1, 2, 3]))
            ]  # fmt: skip
    labels += [
        {"id": uuid7(), "row": 0, "label": "a", "time": "2026-11-20T00:00:00.000Z"}
        for _ in range(source.choice([0, 1]))
    ]
    return entries, labels + source.sample(labels, k=len(labels) // 3)


def from_scratch(entries: list[dict[str, Any]], labels: list[dict[str, Any]]) -> dict[int, Counter[str]]:
    last: dict[tuple[str, int], tuple[str, str]] = {}
    for label in labels:
        key = label["id"], label["row"]
        last[key] = max(last.get(key, ("", "")), (label["time"], label["label"]))
    rows = {
        (entry["id"], entry["offset"] + at, entry["version"]): predict
        for entry in entries
        for at, predict in enumerate(entry["predict"])
        if entry["version"] < 3
    }
    found: dict[int, Counter[str]] = {}
    for (identifier, row, version), predict in rows.items():
        counts = found.setdefault(version, Counter())
        counts["predicted"] += 1
        if (identifier, row) in last:
            truth = last[identifier, row][1]
            counts["labelled"] += truth in CLASSES
            counts["unknown"] += truth not in CLASSES
            counts["correct"] += truth == predict
    return found


def test_a_thousand_histories_equal_their_recomputation() -> None:
    for seed in range(HISTORIES):
        source = random.Random(seed)
        entries, labels = history(source)
        arrivals = [(orjson.dumps(entry), b"") for entry in entries] + [(b"", orjson.dumps(label)) for label in labels]
        source.shuffle(arrivals)
        store = Store()
        while arrivals:
            taken, arrivals = arrivals[: (cut := source.randint(1, 9))], arrivals[cut:]
            store.arrive([one for one, _ in taken if one], [one for _, one in taken if one])

        expected = from_scratch(entries, labels)
        assert set(store.joined["versions"]) == {str(version) for version in expected}, seed
        for version, wanted in expected.items():
            counts = store.joined["versions"][str(version)]
            figures = counts.get("figures", {})
            assert counts["predicted"] == wanted["predicted"], seed
            assert counts["labelled"] == wanted["labelled"], seed
            assert counts.get("unknown_labels", 0) == wanted["unknown"], seed
            assert figures.get("correct", 0) == wanted["correct"], seed
            assert figures.get("rows", 0) == wanted["labelled"], seed


def test_hours_add_up_like_one() -> None:
    source = random.Random(0)
    parts = [history(source) for _ in range(20)]
    joins = []
    for entries, labels in [
        *parts,
        ([one for part in parts for one in part[0]], [one for part in parts for one in part[1]]),
    ]:
        known = outcomes.read_labels(map(orjson.dumps, labels))
        joins.append(outcomes.join(map(orjson.dumps, entries), known, lambda _: MANIFEST))
    assert summary.total(joins[:-1]) == joins[-1]
