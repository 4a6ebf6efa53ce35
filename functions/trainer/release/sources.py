"""Where a candidate comes from: it was fitted here, or imported as ONNX. Both are examined, proven and stored alike."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

import joblib

from modelloop import keys
from modelloop.contracts.bundle import FLAT, ONNX, EngineForm
from modelloop.contracts.manifest_parts import EstimatorFacts, FileFacts, MemberFacts
from modelloop.errors import ExportMismatchError
from trainer.export.serving import flatten, to_onnx
from trainer.families.blend import FAMILY, Blend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.manifest_parts import Predecessor, Selection, TrialRecord
    from modelloop.spec.fields import Parameter
    from modelloop.tables.encoding import Encoding
    from trainer.families.model import Model
    from trainer.rows import Predictor
    from trainer.search.crossing import OutOfFold
    from trainer.search.fitting import Fitted


@dataclass(frozen=True, slots=True)
class File:
    """A file of a version before it is stored: its name inside the version's folder, its bytes and content type."""

    name: str
    body: bytes
    content_type: str = "application/octet-stream"

    def facts(self) -> FileFacts:
        """Return digest and size, as manifests carry them."""
        return FileFacts(sha256(self.body).hexdigest(), len(self.body))


@dataclass(frozen=True, slots=True)
class Export:
    """The engine's part of the serving bundle, and the files of the model itself."""

    form: EngineForm
    files: list[File]


class Source(Protocol):
    """What every candidate has."""

    @property
    def predictor(self) -> Predictor:
        """Return what predicts rows."""
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
    def trials(self) -> Sequence[TrialRecord]:
        """Return every fit that led to it."""
        ...

    @property
    def started_from(self) -> Predecessor | None:
        """Return the version whose settings were tried first; None where there was none."""
        ...

    @property
    def selection(self) -> Selection | None:
        """Return how it was chosen and whether it was fitted again; None where nothing was chosen."""
        ...

    @property
    def unseen(self) -> OutOfFold | None:
        """Return answers in place of its own to validation rows that it has learned from; None where it has not."""
        ...

    def describe(self) -> EstimatorFacts:
        """Return how it was made."""
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
    def trials(self) -> Sequence[TrialRecord]:
        """Return every completed fit."""
        return self.fitted.trials

    @property
    def started_from(self) -> Predecessor | None:
        """Return the version whose settings were tried first; None for a first version."""
        return self.fitted.started_from

    @property
    def selection(self) -> Selection | None:
        """Return how it was chosen and whether it was fitted again; None after a log of an earlier release."""
        return self.fitted.selection

    @property
    def unseen(self) -> OutOfFold | None:
        """Return the answers of models that had not seen the rows, after a refit."""
        return self.fitted.unseen

    def describe(self) -> EstimatorFacts:
        """Return family, class, plain parameters of the estimator, and those that were set beyond the defaults."""
        model, chosen = self.fitted.estimator.model, self.fitted.chosen
        if not isinstance(model, Blend):
            return _facts(chosen.family, model, chosen.params)
        pairs = zip(self.fitted.blend, model.members, strict=True)
        members = tuple(MemberFacts(part.weight, _facts(part.family, member, part.params)) for part, member in pairs)
        return EstimatorFacts(FAMILY, _name(Blend), {}, {}, members)

    def export(self, encoding: Encoding) -> Export:
        """Return the flat form where there is one, else ONNX; the estimator itself is kept beside it."""
        model = self.fitted.estimator.model
        kept = BytesIO()
        joblib.dump(model, kept, compress=3)
        files = [File(keys.JOBLIB, kept.getvalue())]
        flat = flatten(model, encoding)
        if flat is not None:
            return Export(EngineForm(FLAT, flat=flat), files)
        if isinstance(model, Blend):
            raise ExportMismatchError("a blend serves through the flat engine alone, which one of its members lacks")
        content, described = to_onnx(model, encoding)
        return Export(EngineForm(ONNX, onnx=described), [File(keys.ONNX, content), *files])


def _facts(family: str, model: Model, settings: dict[str, Parameter]) -> EstimatorFacts:
    plain = {name: value for name, value in model.estimator.get_params(deep=False).items() if _is_plain(value)}
    return EstimatorFacts(family, _name(type(model.estimator)), plain, settings)


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list)
