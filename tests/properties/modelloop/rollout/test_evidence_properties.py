"""What was asked before a rollout began, in the same hour too, is no evidence for or against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelloop import clock
from modelloop.aws.monitoring import joins as joined_hours
from modelloop.aws.monitoring import summaries
from modelloop.aws.registry import manifests
from modelloop.aws.serving import rollout_evidence
from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.contracts.quality_verdict import QualityEstimate, QualityVerdict
from modelloop.contracts.version_facts import VersionRecord
from modelloop.ids import derived_uuid7
from modelloop.monitoring.quality import outcomes, shadow_agreement, verdict
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS, Summary, SummaryKey
from tests.support.baselines import baseline_of
from tests.support.manifests import manifest_of
from tests.support.stores import stores_of
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.counts import Counts
    from modelloop.rollout.judge import Evidence

HOUR = "2026-01-01T00"
NOW, BAKED, EARLIER = "2026-01-01T00:59:00.000Z", "2026-01-01T00:50:00.000Z", "20251231T235900000Z"
MANIFEST = manifest_of(classes=("no", "yes"), baseline=baseline_of())
REFS = {number: VersionRef(number, f"run{number}", "f", "00", 1) for number in (1, 2)}
ROLES: dict[str, dict[str, Any]] = {
    "canary": {"champion": REFS[1], "challenger": REFS[2], "weight": 50.0},
    "shadow": {"champion": REFS[1], "shadow": REFS[2]},
}
ROLLOUT = Pointer("m", 1, None, bake_until=BAKED).rollout
BUCKETS = len(LATENCY_BOUNDS_MS) + 1
COUNTS = st.integers(0, 2_000)
LATENCIES = st.lists(COUNTS, min_size=BUCKETS, max_size=BUCKETS)
ASKED = st.fixed_dictionaries({
    "requests": COUNTS, "rows": COUNTS, "errors": st.dictionaries(st.sampled_from(["A", "B"]), COUNTS),
    "latency": LATENCIES.map(lambda counts: {"warm": {"counts": counts}}),
    "prediction": st.tuples(COUNTS, COUNTS).map(lambda both: {"counts": [*both], "missing": 0, "unseen": 0}),
})  # fmt: skip
SIDES = ["champion", "challenger", "shadow", "pinned"]
PLACES = st.tuples(st.sampled_from([1, 2]), st.sampled_from(SIDES), st.sampled_from(["", EARLIER]))
ROWS = st.tuples(st.sampled_from([1, 2]), st.sampled_from(SIDES), st.integers(0, 400), st.booleans(), st.booleans())


class Stored:
    """What a model's hour holds: summaries, index entries and labels."""

    def __init__(self) -> None:
        self.summaries: list[Summary] = []
        self.index: list[bytes] = []
        self.labels: list[bytes] = []

    def ask(self, version: int, variant: str, rollout: str, counts: Counts) -> None:
        self.summaries.append(Summary(SummaryKey("m", HOUR, version, variant, rollout), counts))

    def answer(self, rows: Sequence[tuple[int, str, int, bool, bool]], rollout: str) -> None:
        for version, variant, number, said, true in rows:
            identifier = derived_uuid7(clock.to_ms(NOW), f"{rollout}/{number}")
            place = {"id": identifier, "offset": 0, "version": version, "variant": variant, "rollout": rollout}
            share = 900_000 if said else 100_000
            answered = {"predict": ["yes" if said else "no"], "proba": [[1_000_000 - share, share]], "slices": None}
            self.index.append(orjson.dumps(place | answered))
            label = {"id": identifier, "row": 0, "label": "yes" if true else "no", "time": NOW}
            self.labels.append(orjson.dumps(label))

    def joined(self) -> Counts:
        found = outcomes.join(self.index, outcomes.read_labels(self.labels), lambda _: MANIFEST)
        return found | {"pairs": shadow_agreement.count(self.index, lambda _: MANIFEST)}


class Facts:
    """What the registry knows: the policy of a version and the verdict on quality."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    def get_version(self, model: str, version: int) -> VersionRecord:
        return VersionRecord(model, version, "r", NOW, version_facts(promotion={"bake_minutes": 50}))

    def latest_verdict(self, kind: type[QualityVerdict], model: str) -> QualityVerdict:
        assert kind is QualityVerdict
        return verdict.quality_verdict(
            [(HOUR, self._stored.joined())],
            {},
            {1: MANIFEST, 2: MANIFEST},
            model=model,
            champion=1,
            estimate=QualityEstimate(),
            now=NOW,
        )


def evidence(kind: str, stored: Stored) -> Evidence:
    (rollout,) = rollout_evidence.open_rollouts(Pointer("m", 1, bake_until=BAKED, **ROLES[kind]), NOW)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(summaries, "between", lambda *_: iter(stored.summaries))
        patched.setattr(joined_hours, "newest_first", lambda *_, **__: iter([(HOUR, stored.joined())]))
        patched.setattr(manifests, "read", lambda *_: MANIFEST)
        facts = Facts(stored)
        quality = facts.latest_verdict(QualityVerdict, "m")
        return rollout_evidence.collect(stores_of(facts), rollout, quality, NOW)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["canary", "shadow"]),
    st.tuples(ASKED, ASKED),
    st.lists(ROWS, max_size=40),
    st.lists(st.tuples(PLACES, ASKED), min_size=1, max_size=4),
    st.lists(ROWS, max_size=40),
)
def test_prior_traffic_never_changes_the_evidence(
    kind: str,
    sides: tuple[Counts, Counts],
    rows: list[Any],
    before: list[tuple[tuple[int, str, str], Counts]],
    rows_before: list[Any],
) -> None:
    stored = Stored()
    stored.ask(1, "champion", ROLLOUT, sides[0])
    stored.ask(2, "challenger" if kind == "canary" else "shadow", ROLLOUT, sides[1])
    stored.answer(rows, ROLLOUT)
    alone = evidence(kind, stored)
    for place, counts in before:
        stored.ask(*place, counts)
    stored.answer(rows_before, EARLIER)
    stored.answer(rows_before, "")
    assert evidence(kind, stored) == alone
