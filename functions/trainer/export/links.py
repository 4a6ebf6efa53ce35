"""scikit-learn's links by the names of the flat form."""

from __future__ import annotations

from typing import Any

_NAMES = {
    "IdentityLink": "identity",
    "LogLink": "log",
    "LogitLink": "logit",
    "HalfLogitLink": "half_logit",
    "MultinomialLogit": "softmax",
}


def link_of(loss: Any) -> str | None:
    """Return the flat name of a loss object's link; None when the engine does not know it."""
    return _NAMES.get(type(loss.link).__name__)
