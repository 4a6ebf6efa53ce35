"""The champion's settings first: the version whose settings a run tries first, the champion or else the best so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelloop.aws.registry import manifests
from modelloop.errors import SpecError
from modelloop.rollout import clearance
from trainer.families import build
from trainer.families.losses import loss_of
from trainer.search.candidates import PREDECESSOR, Candidate, given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.aws.storage import Bucket
    from modelloop.aws.stores import Stores
    from modelloop.contracts.version_facts import VersionRecord
    from trainer.comparison.incumbents import Champion
    from trainer.search.trials import Record
    from trainer.table import PreparedTable

VERSIONS_SEARCHED = 20
RANKING = {"classification": "log_loss", "regression": "rmse"}


@dataclass(frozen=True, slots=True)
class Predecessor:
    """An earlier version of the model that was fitted here."""

    manifest: Mapping[str, Any]

    @property
    def version(self) -> int:
        """Its number."""
        return int(self.manifest["version"])

    @property
    def run_id(self) -> str:
        """Its run."""
        return str(self.manifest["run_id"])

    def to_json(self) -> dict[str, Any]:
        """Return how documents name it."""
        return {"version": self.version, "run_id": self.run_id}

    def candidate(self, table: PreparedTable) -> Candidate | None:
        """Return its family and parameters, those of the spec in place of its own; None when the spec rules it out.

        A spec that asks for another loss does: the old one would be fitted for another statistic.
        """
        made = self.manifest["estimator"]
        if self.manifest["task"] != table.task or made["family"] not in table.spec.families:
            return None
        asked = given(table.spec, made["family"])
        params = {**made["settings"], **asked}
        try:
            models = [build(made["family"], table.task, table.encoding, one) for one in (params, asked)]
            same = len({loss_of(model.estimator) for model in models}) == 1
        except SpecError:
            return None
        return Candidate(made["family"], params, PREDECESSOR) if same else None


def begin(stores: Stores, model: str, champion: Champion | None, earlier: Record | None) -> Predecessor | None:
    """Return the version that a run starts from; that of an earlier attempt, whatever is the champion by now."""
    if earlier is None:
        return find(stores, model, champion)
    return None if earlier.started_from is None else read(stores.artifacts, model, earlier.started_from)


def find(stores: Stores, model: str, champion: Champion | None) -> Predecessor | None:
    """Return the champion, or else the best of the newest versions that nobody withdrew; None when there is none.

    Versions that were not fitted here, or by a release that did not keep their settings, are passed over.
    """
    if champion is not None and (known := _fitted(champion.incumbent.manifest)):
        return known
    versions = stores.registry.list_versions(model, VERSIONS_SEARCHED).items
    ranked = sorted((version for version in versions if _is_usable(version)), key=_score)
    found = (_fitted(manifests.read(stores.artifacts, model, version.run_id)) for version in ranked)
    return next((one for one in found if one is not None), None)


def read(artifacts: Bucket, model: str, run_id: str) -> Predecessor:
    """Return the version of a run."""
    return Predecessor(manifests.read(artifacts, model, run_id))


def _fitted(manifest: Mapping[str, Any]) -> Predecessor | None:
    return Predecessor(manifest) if "settings" in manifest["estimator"] else None


def _is_usable(version: VersionRecord) -> bool:
    return not (clearance.is_withdrawn(version) or clearance.is_refused(version) or version.rolled_back)


def _score(version: VersionRecord) -> float:
    """Return the version's loss on its holdout; versions without one (brought, unlabelled) come last."""
    figure = (version.facts.metrics or {}).get(RANKING[version.facts.task or ""])
    return float("inf") if figure is None or figure.value is None else figure.value
