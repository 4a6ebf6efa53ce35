"""Where a candidate comes from: it was fitted here, or brought as ONNX. Both are examined, proven and stored alike."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

import joblib

from modelloop import keys
from trainer.export import flatten, to_onnx
from trainer.release.files import File

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding
    from trainer.evaluation.predictors import Predictor
    from trainer.search.candidates import Trial
    from trainer.search.fitting import Fitted


@dataclass(frozen=True, slots=True)
class Export:
    """The engine's part of the serving bundle, and the files of the model itself."""

    form: dict[str, Any]
    files: list[File]


class Source(Protocol):
    """What every candidate can tell."""

    @property
    def predictor(self) -> Predictor:
        """Return what answers about rows."""
        ...

    @property
    def proof(self) -> Predictor:
        """Return what the serving runtime's answers are held to."""
        ...

    @property
    def gate_metric(self) -> str:
        """Return the metric that the gate compares."""
        ...

    @property
    def trials(self) -> list[Trial]:
        """Return every fit that led to it."""
        ...

    @property
    def started_from(self) -> dict[str, Any] | None:
        """Return version and run whose settings were tried first; None where there were none."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return family, class and parameters."""
        ...

    def export(self, encoding: Encoding) -> Export:
        """Return what serves; raise ExportMismatchError when there is no serving form."""
        ...


@dataclass(frozen=True)
class FittedSource:
    """A model that was fitted here."""

    fitted: Fitted

    @property
    def predictor(self) -> Predictor:
        """Return the fitted estimator."""
        return self.fitted.estimator

    @property
    def proof(self) -> Predictor:
        """Return the fitted estimator."""
        return self.fitted.estimator

    @property
    def gate_metric(self) -> str:
        """Return the metric proper to the task and the estimators' loss."""
        return self.fitted.objective.compared_by

    @property
    def trials(self) -> list[Trial]:
        """Return every completed fit."""
        return self.fitted.trials

    @property
    def started_from(self) -> dict[str, Any] | None:
        """Return version and run whose settings were tried first; None for a first version."""
        return None if self.fitted.predecessor is None else self.fitted.predecessor.to_json()

    def describe(self) -> dict[str, Any]:
        """Return family, class, plain parameters of the estimator, and those that were set beyond the defaults."""
        estimator = self.fitted.estimator.model.estimator
        kind = type(estimator)
        params = {name: value for name, value in estimator.get_params(deep=False).items() if _is_plain(value)}
        return {
            "family": self.fitted.chosen.family, "class": f"{kind.__module__}.{kind.__qualname__}", "params": params,
            "settings": self.fitted.chosen.params,
        }  # fmt: skip

    def export(self, encoding: Encoding) -> Export:
        """Return the flat form where there is one, else ONNX; the estimator itself is kept beside it."""
        model = self.fitted.estimator.model
        kept = BytesIO()
        joblib.dump(model, kept, compress=3)
        files = [File(keys.JOBLIB, kept.getvalue())]
        flat = flatten(model, encoding)
        if flat is not None:
            return Export({"engine": "flat", "flat": flat, "onnx": None}, files)
        converted = to_onnx(model, encoding)
        form = {"engine": "onnx", "flat": None, "onnx": converted.facts()}
        return Export(form, [File(keys.ONNX, converted.content), *files])


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list)
