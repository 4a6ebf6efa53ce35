"""The version whose settings a run tries first: the champion, or else the best of the newest versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.registry import manifests
from modelloop.contracts.manifest_parts import Predecessor
from modelloop.errors import SpecError
from modelloop.rollout import clearance
from trainer.families.catalogue import build
from trainer.families.losses import loss_of
from trainer.search.candidates import PREDECESSOR, Candidate, given_params

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.aws.stores import Stores
    from modelloop.contracts.manifest import Manifest
    from modelloop.contracts.manifest_parts import EstimatorFacts
    from modelloop.contracts.version_facts import VersionRecord
    from modelloop.spec.fields import Parameter
    from trainer.search.trials import TrialLog
    from trainer.table import PreparedTable

VERSIONS_SEARCHED = 20
RANKING = {"classification": "log_loss", "regression": "rmse"}


@dataclass(frozen=True, slots=True)
class FittedVersion:
    """An earlier version of the model that was fitted here, with the families and settings that made it.

    `parts` is one family with its settings, or of a blend one for each member, the heaviest first.
    """

    name: Predecessor
    task: str
    parts: tuple[tuple[str, dict[str, Parameter]], ...]

    def candidates(self, table: PreparedTable) -> list[Candidate]:
        """Return its families and parameters, those of the spec in place of its own, without what the spec rules out.

        A spec that asks for another loss does: the old one would be fitted for another statistic.
        """
        if self.task != table.task:
            return []
        offered = (_candidate(table, family, settings) for family, settings in self.parts)
        return [candidate for candidate in offered if candidate is not None]


def _candidate(table: PreparedTable, family: str, settings: dict[str, Parameter]) -> Candidate | None:
    if family not in table.spec.families:
        return None
    asked = given_params(table.spec, family)
    params = {**settings, **asked}
    try:
        models = [build(family, table.task, table.encoding, wanted) for wanted in (params, asked)]
        same = len({loss_of(model.estimator) for model in models}) == 1
    except SpecError:
        return None
    return Candidate(family, params, PREDECESSOR) if same else None


def find_predecessor(
    stores: Stores, model: str, champion: Manifest | None, earlier: TrialLog | None
) -> FittedVersion | None:
    """Return the version that a run starts from; that of an earlier attempt, whatever is the champion by now.

    It is the champion, or else the best of the newest versions that nobody withdrew. Versions that were not fitted
    here are passed over. None when there is none.
    """
    if earlier is not None:
        run_id = earlier.started_from
        return None if run_id is None else fitted_version(manifests.read(stores.artifacts, model, run_id))
    if champion is not None and (version := fitted_version(champion)):
        return version
    records = stores.registry.list_versions(model, VERSIONS_SEARCHED).items
    ranked = sorted((record for record in records if _is_usable(record)), key=_score)
    versions = (_read(stores.artifacts, model, record.run_id) for record in ranked)
    return next((version for version in versions if version is not None), None)


def fitted_version(manifest: Manifest) -> FittedVersion | None:
    """Return a version with its settings; None when it was not fitted here."""
    made: EstimatorFacts = manifest.estimator
    if made.settings is None:
        return None
    models = [member.estimator for member in made.members] or [made]
    parts = tuple((model.family, model.settings or {}) for model in models)
    return FittedVersion(Predecessor(manifest.version, manifest.run_id), manifest.task, parts)


def _read(artifacts: Bucket, model: str, run_id: str) -> FittedVersion | None:
    return fitted_version(manifests.read(artifacts, model, run_id))


def _is_usable(record: VersionRecord) -> bool:
    return not (clearance.is_withdrawn(record) or clearance.is_refused(record) or record.rolled_back)


def _score(record: VersionRecord) -> float:
    """Return the version's loss on its holdout; versions without one (imported, unlabelled) come last."""
    figure = (record.facts.metrics or {}).get(RANKING[record.facts.task or ""])
    return float("inf") if figure is None or figure.value is None else figure.value
