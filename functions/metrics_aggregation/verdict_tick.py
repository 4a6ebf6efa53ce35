"""One model's turn: read what is new, say what it means, store the verdicts, act on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from metrics_aggregation import history, labelled_rows, reactions
from modelloop import keys
from modelloop.aws.monitoring import joins, summaries
from modelloop.aws.registry import manifests
from modelloop.aws.serving import changes, judging
from modelloop.contracts.baseline import baseline_from_json
from modelloop.monitoring import traffic, windows
from modelloop.monitoring.drift.verdict import drift_verdict
from modelloop.monitoring.quality import estimate
from modelloop.monitoring.quality.verdict import matured, quality_verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrics_aggregation.services import Services
    from modelloop.contracts.pointer import Pointer, VersionRef
    from modelloop.monitoring.summary import SummaryKey
    from modelloop.monitoring.windows import Window

OWN_TRAFFIC = frozenset({"champion", "challenger"})
COMPACTED_A_TICK = 200
OPEN_HOURS = 2


class Turn:
    """One look at one model; `out_of_time` tells when to leave the rest to the next tick."""

    def __init__(self, services: Services, model: str, now: str, out_of_time: Callable[[], bool]) -> None:
        self._services = services
        self.model = model
        self.now = now
        self._out_of_time = out_of_time
        self._versions = manifests.Versions(services.stores, model)

    def take(self) -> dict[str, Any]:
        """Do everything that is due and return what was found, by kind."""
        pointer = changes.repair(self._services.stores, self.model)
        self._join(paired=pointer is not None and pointer.shadow is not None)
        self._traffic()
        found: dict[str, Any] = {"drift": None, "quality": None}
        if pointer is not None and pointer.champion is not None:
            found |= self._champion(pointer, pointer.champion)
        found["judge"] = self._judge()
        history.keep(self._services.registry, self.model, self.now)
        self._compact()
        return found

    def count(self) -> None:
        """Count what arrived: all that is due for lines that name no model of ours."""
        self._traffic()
        self._compact()

    def _judge(self) -> dict[str, str]:
        """Judge what is rolled out; what an earlier tick ended and could not tell any more is told first."""
        reactions.tell_rollout(self._services, self.model, self.now)
        decisions = judging.judge_rollouts(self._services.stores, self.model, self.now)
        reactions.tell_rollout(self._services, self.model, self.now)
        return {kind: decision.action for kind, decision in decisions.items()}

    def _traffic(self) -> None:
        previous = self._services.registry.latest_verdict(self.model, "traffic")
        if previous is not None and previous["updated_at"] >= self.now:
            return
        begin, end = traffic.begins(previous, self.now), windows.hour_of(self.now)
        found = summaries.between(self._services.artifacts, self.model, begin, end)
        self._services.registry.put_verdict(
            self.model, "traffic", traffic.totals(previous, found, model=self.model, now=self.now)
        )

    def _champion(self, pointer: Pointer, champion: VersionRef) -> dict[str, Any]:
        manifest = manifests.read(self._services.artifacts, self.model, champion.run_id)
        self._keep(manifest)
        recent = self._windows(champion.version, manifest)
        drifting = self._drift(champion.version, manifest, recent)
        judged = self._quality(champion.version, manifest, recent, drifting)
        verdicts = ({"drift": drifting} if drifting else {}) | {"quality": judged}
        for kind, document in verdicts.items():
            self._services.registry.put_verdict(self.model, kind, document)
        reactions.tell_statuses(self._services, self.model, verdicts, self.now)
        found = {"drift": drifting and drifting["status"], "quality": judged["status"]}
        return found | {"retrain": reactions.consider_retraining(self._services, pointer, manifest, found, self.now)}

    def _windows(self, version: int, manifest: dict[str, Any]) -> list[Window]:
        found = summaries.newest_first(self._services.artifacts, self.model, version, OWN_TRAFFIC, self.now)
        return windows.backwards(windows.by_hour(found), self.now, _min_rows(manifest))

    def _drift(self, version: int, manifest: dict[str, Any], found: list[Window]) -> dict[str, Any] | None:
        """Compare the champion's live traffic with its own baseline."""
        if not manifest.get("baseline"):
            return None
        return drift_verdict(
            baseline_from_json(manifest["baseline"]),
            found,
            model=self.model,
            version=version,
            min_rows=_min_rows(manifest),
            now=self.now,
        )

    def _quality(
        self, version: int, manifest: dict[str, Any], found: list[Window], drifting: dict[str, Any] | None
    ) -> dict[str, Any]:
        hours = matured(
            joins.newest_first(self._services.artifacts, self.model, self.now),
            self.now,
            self._label_delay_hours(manifest),
            version,
        )
        known = (manifest.get("calibration") or {}).get("confidence")
        live = found[0].counts.get("confidence") if found else None
        judged = {int(name) for _, joined in hours for name in joined["versions"]} | {version}
        return quality_verdict(
            hours,
            self._predicted(hours),
            {one: self._versions.get(one) or manifest for one in judged if one == version or self._versions.get(one)},
            model=self.model,
            champion=version,
            estimate=estimate.accuracy(known, live, drifting["status"] if drifting else "ok"),
            now=self.now,
        )

    def _predicted(self, hours: list[tuple[str, Any]]) -> dict[int, int]:
        """Return the rows that each version predicted in the hours' window, from its summaries."""
        rows_by_version: dict[int, int] = {}
        if hours:
            for key, counts, _ in summaries.between(self._services.artifacts, self.model, hours[-1][0], hours[0][0]):
                rows_by_version[key.version] = rows_by_version.get(key.version, 0) + counts.get("rows", 0)
        return rows_by_version

    def _join(self, *, paired: bool) -> None:
        """Join predictions with labels that are new and, while there is a shadow, with its answers."""
        for hour, marks, _ in joins.due(self._services.artifacts, self.model):
            if self._out_of_time():
                return
            if marks:
                joins.join(self._services.artifacts, self.model, hour, marks, self._versions.get, paired=paired)

    def _keep(self, manifest: dict[str, Any]) -> None:
        """Keep the labelled rows of hours whose labels had time to come; rows with masked columns teach nothing."""
        last = windows.shift(windows.hour_of(self.now), -math.ceil(self._label_delay_hours(manifest)))
        for hour, _, unkept in joins.due(self._services.artifacts, self.model):
            if hour > last or self._out_of_time():
                return
            if unkept:
                if not (manifest.get("spec") or {}).get("mask"):
                    labelled_rows.keep(self._services.artifacts, self._services.captures, self.model, hour)
                joins.forget(self._services.artifacts, [keys.unjoined(self.model, hour, joins.UNKEPT)])

    def _compact(self) -> None:
        """Fold the summaries of closed hours, oldest first."""
        now = windows.hour_of(self.now)
        start, end = windows.shift(now, -windows.LONGEST_HOURS), windows.shift(now, -OPEN_HOURS)
        stored: dict[SummaryKey, list[str]] = {}
        for key, digest in summaries.entries(self._services.artifacts, self.model, start, end):
            stored.setdefault(key, []).append(digest)
        due = [(key, digests) for key, digests in stored.items() if len(digests) > 1]
        for key, digests in due[:COMPACTED_A_TICK]:
            if self._out_of_time():
                return
            summaries.compact(self._services.artifacts, key, digests)

    def _label_delay_hours(self, manifest: dict[str, Any]) -> float:
        """Return how long labels take; a stack with no delay (a laptop) has none for any model."""
        default = self._services.label_delay_hours
        own = (manifest.get("monitoring") or {}).get("label_delay_hours")
        return default if own is None or not default else own


def _min_rows(manifest: dict[str, Any]) -> int:
    return (manifest.get("monitoring") or {}).get("min_rows") or windows.MIN_ROWS
