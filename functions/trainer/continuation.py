"""Going on from the predecessor's fitted state: only where that is sound and leaks no row that judges the result."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

import joblib

from modelloop import keys
from modelloop.aws import storage
from modelloop.errors import CannotContinueError, NotFoundError
from modelloop.settings import settings
from modelloop.tables.encoding import encoding_from_json
from modelloop.versions.review_checks import FALL
from trainer.comparison.examination import trained_until
from trainer.comparison.transcoding import is_lossless
from trainer.evaluation.predictors import Estimator
from trainer.release import lineage
from trainer.search.estimation import go_on_with
from trainer.search.halving import figure
from trainer.table import newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.comparison.predecessor import Predecessor
    from trainer.families import Model
    from trainer.search.candidates import Candidate
    from trainer.table import PreparedTable

MOST_BYTES = 64 << 20
MOST_CONTINUATIONS = 10
MOST_RISE = 1 + FALL  # of a loss: as much as the gate takes for the same world
PLACED = "content and occurrence"


def check(table: PreparedTable, predecessor: Predecessor | None) -> Predecessor:
    """Return the predecessor; raise CannotContinueError, saying why, when a fit must not go on from its state."""
    if not table.spec.warm_start:
        raise CannotContinueError("model.yaml does not ask for it")
    if predecessor is None:
        raise CannotContinueError("no earlier version was fitted here")
    before, now = predecessor.manifest, table.document
    for name, said in (("task", "another task"), ("target", "another target"), ("classes", "other classes")):
        if before[name] != now[name]:
            raise CannotContinueError(f"it was fitted for {said}")
    _check_environment(before["environment"])
    if len(chain(predecessor)) > MOST_CONTINUATIONS:
        raise CannotContinueError(f"{MOST_CONTINUATIONS} versions in a row went on, and that is the most")
    if not is_lossless(table.encoding, encoding_from_json(before["encoding"])):
        raise CannotContinueError("columns, categories or missing tokens are not what they were")
    _check_split(table, before["split"])
    return predecessor


def resume(table: PreparedTable, predecessor: Predecessor, asked: Candidate, metric: str) -> tuple[Estimator, str]:
    """Fit the predecessor's model further on the training part; return it with what was done.

    `metric` is the gate's, a loss. Raises CannotContinueError, saying why, where that would not be sound or does not
    pay, FitRefusedError when the estimator refuses the rows.
    """
    known = (predecessor.manifest["metrics"]["holdout"].get(metric) or {}).get("value")
    return go_on_if_it_pays(table, asked, load(predecessor), Terms(_seed(table, predecessor), metric, known))


def _seed(table: PreparedTable, predecessor: Predecessor) -> int:
    """Return a seed that no version of the chain had, and that the same tables in the same order give again."""
    past = [link["dataset"]["digest"] for link in chain(predecessor)]
    return int(sha256("\n".join([str(table.seed), *past]).encode()).hexdigest()[:8], 16)


@dataclass(frozen=True, slots=True)
class Terms:
    """The seed of a continuation, the loss that it is judged by, and what that was on the earlier holdout."""

    seed: int
    metric: str
    known: float | None


def go_on_if_it_pays(table: PreparedTable, asked: Candidate, earlier: Model, terms: Terms) -> tuple[Estimator, str]:
    """Go on from a model unless the validation part shows that the world has shifted, or that it got worse.

    Boosting overshoots where its trees were wrongly sure: Newton's steps divide by next to nothing there.
    """
    metric, known = terms.metric, terms.known
    if known is None:
        raise CannotContinueError(f"nobody knows its {metric} on its holdout")
    before = _loss(table, Estimator(earlier, table.task), metric)
    if not before <= known * MOST_RISE:
        raise CannotContinueError(
            f"{metric} is {before:.4g} on the validation rows, and was {known:.4g} on its holdout"
        )
    estimator, done = go_on_with(table, asked, earlier, terms.seed)
    after = _loss(table, estimator, metric)
    if not after <= before:
        raise CannotContinueError(
            f"going on made it worse: {metric} on the validation rows {after:.4g}, not {before:.4g}"
        )
    return estimator, done


def _loss(table: PreparedTable, estimator: Estimator, metric: str) -> float:
    return figure(estimator.outcome(table.validation), metric)


def load(predecessor: Predecessor) -> Model:
    """Return the model as it was fitted; raise CannotContinueError unless the file is the one that was stored."""
    facts = predecessor.manifest["files"][keys.JOBLIB]
    if facts["bytes"] > MOST_BYTES:
        raise CannotContinueError(f"its {keys.JOBLIB} has more than {MOST_BYTES >> 20} MiB")
    key = keys.version(predecessor.manifest["model"], predecessor.run_id, keys.JOBLIB)
    try:
        body = storage.get(settings().artifacts_bucket, key)
    except NotFoundError as error:
        raise CannotContinueError(f"its {keys.JOBLIB} is gone") from error
    if len(body) != facts["bytes"] or sha256(body).hexdigest() != facts["sha256"]:
        raise CannotContinueError(f"its {keys.JOBLIB} is not what its manifest says")
    model: Model = joblib.load(BytesIO(body))
    return model


def chain(predecessor: Predecessor) -> list[dict[str, Any]]:
    """Return the versions whose fitted state a continuation carries, the predecessor first."""
    manifest = predecessor.manifest
    environment = manifest["environment"]
    link = {"dataset": manifest["dataset"], "code": environment["code"], "lock": environment["lock"]}
    return [predecessor.to_json() | link, *manifest["warm_start"].get("chain", ())]


def _check_environment(before: Mapping[str, Any]) -> None:
    now = lineage.environment()
    for name in lineage.PICKLED:
        if before["packages"].get(name) != now["packages"][name]:
            raise CannotContinueError(f"{name} {before['packages'].get(name)} fitted it, not {now['packages'][name]}")
    if before.get("families") != now["families"]:
        raise CannotContinueError("another release of this code fitted it")


def _check_split(table: PreparedTable, before: Mapping[str, Any]) -> None:
    """Refuse wherever a row that validates or is held out may be one that the state was fitted on.

    Under one rule a row is on one side for ever. By time the sides move, but only forwards is safe: what comes after
    all that the table is fitted or chosen on must come after all that the predecessor was.
    """
    now = table.document.get("split") or {}
    if now.get("rule") is None or now["rule"] != before.get("rule"):
        raise CannotContinueError("rows are split in another way, so that it may know rows that are held out now")
    if now["kind"] == PLACED:
        raise CannotContinueError("repeated rows are told apart by their order, which may have changed")
    if table.rows.times is None:
        return
    for name, moment in (("fitted_until", fitted_until(table)), ("trained_until", trained_until(table))):
        if moment is None or before[name] is None or moment < before[name]:
            raise CannotContinueError("it has seen later rows than this table is fitted on")


def fitted_until(table: PreparedTable) -> float | None:
    """Return the newest time (seconds since 1970, or the column's number) in the training part, for ordered tables."""
    return newest(table.train)
