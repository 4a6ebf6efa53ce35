"""Losses of a regression by name: what each asks a model for, and the targets that it is defined on.

`rmse` (squared error) asks for the mean, `mae` for the median, `pinball_0.9` for that quantile. `poisson_deviance`,
`gamma_deviance` and `tweedie_deviance_1.5` ask for the mean too, of targets that are not negative; Tweedie's power 0 is
squared error, 1 is Poisson, 2 is gamma. A loss has one name, so that versions can be compared by it.
"""

from __future__ import annotations

from math import isfinite

RMSE, MAE = "rmse", "mae"
POISSON, GAMMA = "poisson_deviance", "gamma_deviance"
PINBALL, TWEEDIE = "pinball_", "tweedie_deviance_"
_POWERS = {RMSE: 0.0, POISSON: 1.0, GAMMA: 2.0}
_MEDIAN = 0.5


def pinball(level: float) -> str:
    """Return the name of the loss of a quantile; raise ValueError for a level that is not inside 0 to 1."""
    if not 0 < level < 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {level:g}")
    return MAE if level == _MEDIAN else f"{PINBALL}{level:.12g}"


def tweedie(exponent: float) -> str:
    """Return the name of a Tweedie deviance by its power; raise ValueError for a power without a distribution."""
    if not isfinite(exponent) or 0 < exponent < 1:
        raise ValueError(f"no Tweedie distribution has the power {exponent:g}; there are 0, and 1 and above")
    named = next((name for name, value in _POWERS.items() if value == exponent), None)
    return named or f"{TWEEDIE}{exponent:.12g}"


def canonical(name: str) -> str | None:
    """Return the one name of a loss (`pinball_0.50` is `mae`), or None when it names none."""
    if name == MAE or name in _POWERS:
        return name
    try:
        if name.startswith(PINBALL):
            return pinball(float(name.removeprefix(PINBALL)))
        return tweedie(float(name.removeprefix(TWEEDIE))) if name.startswith(TWEEDIE) else None
    except ValueError:
        return None


def quantile(name: str) -> float | None:
    """Return the level of the quantile that a loss asks for; None for losses of the mean."""
    if name == MAE:
        return _MEDIAN
    return float(name.removeprefix(PINBALL)) if name.startswith(PINBALL) else None


def power(name: str) -> float | None:
    """Return the Tweedie power of a loss of the mean; None for losses of quantiles."""
    if name in _POWERS:
        return _POWERS[name]
    return float(name.removeprefix(TWEEDIE)) if name.startswith(TWEEDIE) else None


def statistic(name: str) -> str:
    """Return what a model predicts whose loss this is: the mean, the median, the 0.9 quantile."""
    level = quantile(name)
    if level is None:
        return "the mean"
    return "the median" if level == _MEDIAN else f"the {level:g} quantile"


def floor(name: str) -> str | None:
    """Return what every target must be for a loss to be defined: "zero or more", "above zero", or None: anything."""
    exponent = power(name) or 0.0
    if exponent < 1:
        return None
    return "zero or more" if exponent < _POWERS[GAMMA] else "above zero"
