"""From a fitted model to its flat document, or to None when no exact flat form exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.export import boosting, forests, histogram, linear

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding
    from trainer.families.model import Model

FORMAT_VERSION = 1


def flatten(model: Model, encoding: Encoding) -> dict[str, Any] | None:
    """Return the flat document of a fitted model: plain JSON types, every float exactly as fitted.

    None means that the engine has no exact form for this estimator or for one of its settings.
    """
    form = linear.form(model) or histogram.form(model, encoding) or forests.form(model) or boosting.form(model)
    if form is None:
        return None
    classes = getattr(model.estimator, "classes_", ())
    return {
        "format_version": FORMAT_VERSION,
        "task": "classification" if len(classes) else "regression",
        "classes": len(classes),
        "slots": len(encoding.slots),
        **form,
    }
