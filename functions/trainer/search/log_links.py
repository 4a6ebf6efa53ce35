"""Candidates with a log link, for targets that are counts or positive amounts.

They are offered where model.yaml leaves loss and metric open, beside the families' defaults and not in their place.
All of them predict the mean, as squared error does, so that one metric ranks them, and the gate compares with versions
of every kind: a count may be Poisson, an amount gamma, and a skewed one may be fitted by its logarithm. Only boosting
is offered them: its leaves bound its answers, while the exponential of what a linear model extrapolates has no bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import SpecError
from modelloop.spec import deviance
from trainer.families.catalogue import build
from trainer.families.losses import loss_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelloop.spec.fields import Parameter
    from trainer.table import PreparedTable

MAX_ROWS = 200_000  # that train: the candidates of a larger table are its families' defaults
MIN_SKEWNESS = 1.0  # the third standardised moment; that of an exponential distribution is 2
POISSON, GAMMA, LOG = "poisson", "gamma", "log"
FAMILY = "hist_gradient_boosting"
_SETTINGS: dict[str, dict[str, Parameter]] = {
    POISSON: {"loss": "poisson"},
    GAMMA: {"loss": "gamma"},
    LOG: {"kind": "log"},
}


def offered(table: PreparedTable) -> list[tuple[str, dict[str, Parameter]]]:
    """Return families with the parameters that the target's kind offers; none where the spec has a say.

    A metric, a kind of estimator or a loss that the spec names is such a say; under a loss of its own (an absolute
    error, a quantile) the logarithm of the target is still offered, because its quantiles are those of the target.
    """
    if table.task != "regression" or table.spec.metric is not None or FAMILY not in table.spec.families:
        return []
    if table.train.rows > MAX_ROWS:
        return []
    ways = ways_of(np.concatenate([table.train.target, table.validation.target]))
    given = table.spec.params.get(FAMILY, {})
    return [(FAMILY, {**_SETTINGS[way], **given}) for way in ways if _fits(table, given, _SETTINGS[way])]


def ways_of(target: NDArray[np.float64]) -> list[str]:
    """Return the ways in which a target may be fitted besides as any number.

    Counts, and skewed amounts that may be zero, are Poisson; positive amounts are gamma; skewed positive numbers may be
    fitted by their logarithm.
    """
    if not len(target) or target.min() < 0 or target.max() == target.min():
        return []
    whole, positive = bool((target == np.rint(target)).all()), bool(target.min() > 0)
    skewed = _skewness(target) >= MIN_SKEWNESS
    ways = [POISSON] if whole or (skewed and not positive) else [GAMMA] if positive else []
    return [*ways, LOG] if positive and skewed else ways


def _skewness(target: NDArray[np.float64]) -> float:
    centred = target - target.mean()
    return float((centred**3).mean() / target.std() ** 3)


def _fits(table: PreparedTable, given: Mapping[str, Parameter], settings: Mapping[str, Parameter]) -> bool:
    """Return whether what a spec gives leaves room for some settings, and asks for what they predict."""
    if given.keys() & {*settings, "kind"}:
        return False
    try:
        own, other = (
            loss_of(build(FAMILY, table.task, table.encoding, params).estimator)
            for params in (given, {**settings, **given})
        )
    except SpecError:
        return False
    return deviance.floor(own) is None and deviance.statistic(own) == deviance.statistic(other)
