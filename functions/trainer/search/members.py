"""Whether a run's fits answer better together than the best of them, and what the blend is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from modelloop.contracts.manifest_parts import BlendMember
from modelloop.contracts.pointer import MAX_MODEL_BYTES
from modelloop.spec import deviance
from trainer.evaluation.predictors import AT_ONCE, Estimator
from trainer.export.serving import flatten
from trainer.families.blend import Blend
from trainer.families.link_space import HALF_LOGIT, LOGIT, link_of, raw_scores
from trainer.families.losses import loss_of
from trainer.families.model import Model
from trainer.search.blending import choose_weights, is_better, predictions_of
from trainer.search.candidates import Candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from modelloop.contracts.manifest_parts import TrialRecord
    from trainer.rows import Part
    from trainer.table import PreparedTable

MAX_SHARE = 0.9  # of what a bundle may have: encoding and golden rows need their part


@dataclass(frozen=True, slots=True)
class WholeFit:
    """A candidate's model, fitted on all rows of the training part, and the trial that it was."""

    trial: TrialRecord
    model: Model


def find_blend(
    table: PreparedTable, fits: Sequence[WholeFit], chosen: TrialRecord, metric: str
) -> tuple[Blend, tuple[BlendMember, ...]] | None:
    """Return the blend that answers better than the chosen trial's model, and its members, the heaviest first.

    `metric` is the gate's, a mean of row losses. None where no blend is better beyond noise, where no other fit has the
    link and the statistic of the chosen one, where the blend would be too large to serve, or where the spec wants none.
    """
    fits = [] if table.spec.search.blend is False else _alike(fits, chosen)
    if len(fits) < 2:  # noqa: PLR2004  a blend needs two
        return None
    held, link = table.validation, str(_link(fits[0].model))
    answers = [_answers(fit.model, held) for fit in fits]
    weights = choose_weights(answers, held.target, link, metric, held.contents)
    order = sorted(np.flatnonzero(weights).tolist(), key=lambda place: -weights[place])
    single = next(place for place, fit in enumerate(fits) if fit.trial is chosen)
    together = np.sum([weights[place] * answers[place] for place in order], axis=0)
    blended, alone = (
        predictions_of(scores, held.target, link, held.contents) for scores in (together, answers[single])
    )
    if len(order) < 2 or not is_better(blended, alone, metric):  # noqa: PLR2004  as above
        return None
    blend = Blend([fits[place].model for place in order], [weights[place] for place in order], link)
    if not _is_servable(table, blend):
        return None
    trials = [(weights[place], fits[place].trial) for place in order]
    return blend, tuple(BlendMember(weight, trial.family, trial.params) for weight, trial in trials)


def fit_members(
    table: PreparedTable, members: Sequence[BlendMember], fit: Callable[[Candidate], Estimator]
) -> Estimator:
    """Return the blend of some members, each fitted by `fit`, with their weights kept."""
    models = [fit(Candidate(member.family, member.params)).model for member in members]
    plain = [model for model in models if isinstance(model, Model)]
    blend = Blend(plain, [member.weight for member in members], str(_link(plain[0])))
    return Estimator(blend, table.task, table.spec.threshold)


def _alike(fits: Sequence[WholeFit], chosen: TrialRecord) -> list[WholeFit]:
    """Return the fits whose scores can be added to the chosen one's: those of its link that predict the same."""
    model = next(fit.model for fit in fits if fit.trial is chosen)
    link, statistic = _link(model), _statistic(model)
    if link is None:
        return []
    return [fit for fit in fits if _link(fit.model) == link and _statistic(fit.model) == statistic]


def _link(model: Model) -> str | None:
    """Return the link under which raw scores are added; those of `half_logit` are doubled, which makes it `logit`."""
    link = link_of(model)
    return LOGIT if link == HALF_LOGIT else link


def _statistic(model: Model) -> str | None:
    return None if hasattr(model, "classes_") else deviance.statistic(loss_of(model.estimator))


def _answers(model: Model, part: Part) -> NDArray[np.float64]:
    starts = range(0, part.rows or 1, AT_ONCE)
    return np.concatenate([raw_scores(model, part.matrix[start : start + AT_ONCE]) for start in starts])


def _is_servable(table: PreparedTable, blend: Blend) -> bool:
    form = flatten(blend, table.encoding)
    return form is not None and len(orjson.dumps(form)) <= MAX_SHARE * MAX_MODEL_BYTES
