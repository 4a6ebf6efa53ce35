"""One model's check at a tick: read what is new, conclude, store the verdicts, act on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from metrics_aggregation import history, labelled_rows, reactions
from modelloop import clock, keys
from modelloop.aws.monitoring import joins, summaries
from modelloop.aws.monitoring.other_models import OtherModels
from modelloop.aws.registry import manifests
from modelloop.aws.serving import changes, judging, pointers
from modelloop.contracts.counts import branch, histogram, integer
from modelloop.contracts.loop_state import TrafficTotals
from modelloop.monitoring import traffic, windows
from modelloop.monitoring.drift.verdict import drift_verdict
from modelloop.monitoring.quality import estimate
from modelloop.monitoring.quality.verdict import matured, quality_verdict, told_unusable_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrics_aggregation.services import Services
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.manifest import Manifest
    from modelloop.contracts.pointer import Pointer, VersionRef
    from modelloop.contracts.quality_verdict import QualityVerdict
    from modelloop.contracts.verdicts import DriftVerdict
    from modelloop.json_types import JsonValue
    from modelloop.monitoring.summary import SummaryKey
    from modelloop.monitoring.windows import Window

MAX_COMPACTED = 200  # summaries that one tick folds


class ModelCheck:
    """What one tick does for one model; `out_of_time` tells when to leave the rest to the next tick."""

    def __init__(self, services: Services, model: str, now: str, out_of_time: Callable[[], bool]) -> None:
        self._services = services
        self.model = model
        self.now = now
        self._out_of_time = out_of_time
        self._versions = manifests.Versions(services.stores, model)
        self._judged: dict[str, str] | None = None

    def judge(self) -> None:
        """Judge what is rolled out, by the labels that earlier ticks joined: nothing that is sent can put it off.

        What an earlier tick ended and could not tell any more is told first.
        """
        self._judged = {}
        changes.repair(self._services.stores, self.model)
        reactions.send_rollout_alert(self._services, self.model, self.now)
        decisions = judging.judge_rollouts(self._services.stores, self.model, self.now)
        reactions.send_rollout_alert(self._services, self.model, self.now)
        self._judged = {kind: decision.action for kind, decision in decisions.items()}

    def run(self) -> dict[str, JsonValue]:
        """Do everything that is due, the judgement first; return statuses and actions: drift, quality, retrain, judge.

        `unusable_labels` is the share of labels that say nothing, None where they are too few to tell.
        """
        if self._judged is None:
            self.judge()
        pointer, _ = pointers.read(self._services.artifacts, self.model)
        self._join(paired=pointer is not None and pointer.shadow is not None)
        self._count_traffic()
        outcome: dict[str, JsonValue] = {"drift": None, "quality": None, "judge": dict(self._judged or {})}
        if pointer is not None and pointer.champion is not None:
            outcome |= self._check_champion(pointer, pointer.champion)
        history.keep(self._services.registry, self.model, self.now)
        self._compact()
        return outcome

    def count(self) -> None:
        """Count what arrived: all that is due for lines that name no known model."""
        self._count_traffic()
        self._compact()

    def _count_traffic(self) -> None:
        previous = self._services.registry.get_state(TrafficTotals, self.model)
        if previous is not None and previous.updated_at >= self.now:
            return
        begin, end = traffic.first_open_hour(previous, self.now), clock.hour_of(self.now)
        stored = summaries.between(self._services.artifacts, self.model, begin, end)
        self._services.registry.put_state(traffic.totals(previous, stored, model=self.model, now=self.now))

    def _check_champion(self, pointer: Pointer, champion: VersionRef) -> dict[str, JsonValue]:
        manifest = manifests.read(self._services.artifacts, self.model, champion.run_id)
        self._keep_labelled_rows(manifest)
        recent = self._windows(champion.version, manifest)
        drift = self._drift(champion.version, manifest, recent)
        quality = self._quality(champion.version, manifest, recent, drift)
        self._services.registry.put_verdict(drift)
        self._services.registry.put_verdict(quality)
        reactions.send_status_alerts(self._services, self.model, (drift, quality), self.now)
        action = reactions.consider_retraining(
            self._services, pointer, manifest, drift=drift, quality=quality.status, now=self.now
        )
        share = told_unusable_share(quality.labels, quality.rows)
        return {"drift": drift.status, "quality": quality.status, "retrain": action, "unusable_labels": share}

    def _windows(self, version: int, manifest: Manifest) -> list[Window]:
        stored = summaries.newest_first(self._services.artifacts, self.model, version, windows.LIVE_VARIANTS, self.now)
        return windows.backwards(windows.by_hour(stored), self.now, manifest.spec.monitoring.min_rows)

    def _drift(self, version: int, manifest: Manifest, recent: list[Window]) -> DriftVerdict:
        """Compare the champion's live traffic with its own baseline."""
        return drift_verdict(
            manifest.baseline,
            recent,
            model=self.model,
            version=version,
            min_rows=manifest.spec.monitoring.min_rows,
            now=self.now,
        )

    def _quality(self, version: int, manifest: Manifest, recent: list[Window], drift: DriftVerdict) -> QualityVerdict:
        last = self._last_mature_hour(manifest)
        hours = matured(
            joins.newest_first(self._services.artifacts, self.model, self.now, until=last),
            self.now,
            self._label_delay_hours(manifest),
            version,
        )
        calibration = manifest.diagnostics.calibration
        live = histogram(recent[0].counts, "confidence") if recent else None
        judged = {int(name) for _, joined in hours for name in branch(joined, "versions")}
        registered = {number: other for number in judged if (other := self._versions.get(number))}
        return quality_verdict(
            hours,
            self._predicted_rows(hours),
            {**registered, version: self._versions.get(version) or manifest},
            model=self.model,
            champion=version,
            estimate=estimate.accuracy(calibration.confidence if calibration else None, live, drift.status),
            now=self.now,
        )

    def _predicted_rows(self, hours: list[tuple[str, Counts]]) -> dict[int, int]:
        """Return the rows that each version predicted in the hours' window, from its summaries."""
        rows: dict[int, int] = {}
        if hours:
            for key, counts, _ in summaries.between(self._services.artifacts, self.model, hours[-1][0], hours[0][0]):
                rows[key.version] = rows.get(key.version, 0) + integer(counts, "rows")
        return rows

    def _join(self, *, paired: bool) -> None:
        """Join predictions with labels that are new and, while there is a shadow, with its answers."""
        artifacts = self._services.artifacts
        others = OtherModels(artifacts, self.model)
        for hour, marks, _ in joins.to_join(artifacts, self.model):
            if self._out_of_time():
                return
            joins.join(artifacts, self.model, hour, marks, self._versions.get, paired=paired, others=others)

    def _keep_labelled_rows(self, manifest: Manifest) -> None:
        """Keep the labelled rows of hours whose labels had time to come; rows with masked columns teach nothing."""
        last = self._last_mature_hour(manifest)
        for hour, _, labels_pending in joins.due(self._services.artifacts, self.model):
            if self._out_of_time():
                return
            if labels_pending and hour <= last:
                if not manifest.spec.mask:
                    labelled_rows.keep(self._services.artifacts, self._services.captures, self.model, hour)
                joins.forget(self._services.artifacts, [keys.join_pending(self.model, hour, joins.LABELS_PENDING)])

    def _compact(self) -> None:
        """Fold the summaries of closed hours, oldest first."""
        now = clock.hour_of(self.now)
        start, end = windows.shift(now, -windows.MAX_HOURS), windows.shift(now, -windows.OPEN_HOURS)
        stored: dict[SummaryKey, list[str]] = {}
        for key, digest in summaries.entries(self._services.artifacts, self.model, start, end):
            stored.setdefault(key, []).append(digest)
        due = [(key, digests) for key, digests in stored.items() if len(digests) > 1]
        for key, digests in due[:MAX_COMPACTED]:
            if self._out_of_time():
                return
            summaries.compact(self._services.artifacts, key, digests)

    def _last_mature_hour(self, manifest: Manifest) -> str:
        """Return the newest hour whose labels had time to come."""
        return windows.shift(clock.hour_of(self.now), -math.ceil(self._label_delay_hours(manifest)))

    def _label_delay_hours(self, manifest: Manifest) -> float:
        """Return how long labels take; a stack with no delay (a laptop) has none for any model."""
        default, own = self._services.label_delay_hours, manifest.spec.monitoring.label_delay_hours
        return default if own is None or not default else own
