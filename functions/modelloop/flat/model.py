"""A loaded flat model: vectors in, labels, probabilities or numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError, InvalidValueError
from modelloop.flat.batch_scorer import BatchScorer
from modelloop.flat.linear import Linear
from modelloop.flat.links import INVERSES, softmax, softmax_by_eights
from modelloop.flat.trees import Trees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.flat.blend import Blend
    from modelloop.flat.shapley.cost import Cost
    from modelloop.tables.encoding import Slot

FORMAT_VERSION = 1
BLEND = "blend"
EVEN = 0.5
_BINARY = 2


@dataclass(frozen=True, slots=True)
class Outputs:
    """The predictions of rows: class indices or numbers, and for classification probabilities, [rows, classes]."""

    predict: list[int] | list[float]
    proba: list[list[float]] | None


@dataclass(frozen=True, slots=True)
class Contributions:
    """Why one row got its score: `base` plus the sum of `slots` is `value`, in the space of `link`.

    `label` is the class whose score is explained; None for regression. With the link "mean" (trees and forests) the
    score is the probability itself. Contributions of `explain` follow the path of the row through the trees; those of
    `explain_shapley` are SHAP values.
    """

    base: float
    slots: list[float]
    value: float
    label: int | None
    link: str

    def by_column(self, slots: Sequence[Slot]) -> dict[str, float]:
        """Fold the slots of each column into one number."""
        folded: dict[str, float] = {}
        for slot, part in zip(slots, self.slots, strict=True):
            folded[slot.column] = folded.get(slot.column, 0.0) + part
        return folded


class FlatModel:
    """A compiled model. `classes` is 0 for regression, `slots` the length of the vectors that it takes.

    A blend's labels follow from its probabilities: of two classes the second from one half on, else the most probable.
    Codes of the slots in `means` are replaced by what was learned of these values before anything else is done. A
    regression whose document has a `floor` gives no number below it; scores and what explains them may lie below.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.task: str = document["task"]
        self.classes: int = document["classes"]
        self.slots: int = document["slots"]
        self.link: str = document["link"]
        self._softmax = softmax_by_eights if document["by_eights"] else softmax
        self._inclusive: bool = document["inclusive"]
        self._floor: float | None = document.get("floor")
        self._form = _form_of(document, self.slots)
        self._is_blend = document["form"] == BLEND
        self._batch_scorer = BatchScorer(self._form)
        self._means = _means_of(document)
        if self._form.scores != self._scores():
            raise ArtifactRefusedError(f"{self._form.scores} scores do not fit the link {self.link!r}")

    def _scores(self) -> int:
        """Return how many raw scores the link takes."""
        if self.task == "classification" and self.link in {"softmax", "mean"}:
            return self.classes
        if self.link not in INVERSES:
            raise ArtifactRefusedError(f"no link {self.link!r}")
        return 1

    def raw(self, vector: Sequence[float]) -> list[float]:
        """Return the scores of one vector before the inverse link."""
        return self._form.raw(self._looked_up(vector) if self._means else vector)

    def raws(self, vectors: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return the scores of many vectors, [vectors, scores], in the way that is cheaper."""
        return self._batch_scorer.raw([*map(self._looked_up, vectors)] if self._means else vectors)

    def rounding(self, vector: Sequence[float]) -> list[float]:
        """Return, for each raw score, how far it may lie from the estimator's (0 for trees)."""
        return self._form.rounding(self._looked_up(vector))

    def _looked_up(self, vector: Sequence[float]) -> Sequence[float]:
        """Return the vector that the form takes: with what was learned of values in place of their codes."""
        if not self._means:
            return vector
        known = list(vector)
        for slot, table in self._means:
            code = known[slot]
            if code == code:  # noqa: PLR0124  missing stays missing
                known[slot] = table[int(code)]
        return known

    def predict(self, vectors: Sequence[Sequence[float]], threshold: float | None = None) -> Outputs:
        """Return predictions for encoded vectors.

        With a `threshold`, a binary model answers class 1 when its probability reaches it; without one, labels follow
        the estimator's own rule.
        """
        if threshold is None and self._is_blend:
            threshold = EVEN
        raws = self.raws(vectors)
        if self.task == "regression":
            return Outputs(self._numbers(raws), None)
        probas = self._probabilities(raws)
        if threshold is not None and self.classes == _BINARY:
            return Outputs([int(proba[1] >= threshold) for proba in probas], probas)
        return Outputs(self._labels(probas if self._is_blend else raws), probas)

    def _numbers(self, raws: list[list[float]]) -> list[float]:
        inverse, floor = INVERSES[self.link], self._floor
        if floor is None:
            return [inverse(raw[0]) for raw in raws]
        return [floor if (number := inverse(raw[0])) < floor else number for raw in raws]

    def _probabilities(self, raws: list[list[float]]) -> list[list[float]]:
        if self.link == "mean":
            return raws
        if self.link == "softmax":
            return list(map(self._softmax, raws))
        inverse = INVERSES[self.link]
        return [[1.0 - (positive := inverse(raw[0])), positive] for raw in raws]

    def _labels(self, raws: list[list[float]]) -> list[int]:
        if len(raws[0]) > 1 if raws else False:
            return [raw.index(max(raw)) for raw in raws]
        if self._inclusive:
            return [int(raw[0] >= 0.0) for raw in raws]
        return [int(raw[0] > 0.0) for raw in raws]

    def explain(self, vector: Sequence[float], label: int | None = None) -> Contributions:
        """Return what each slot contributed to the score of one class (default: class 1 of 2, else the predicted).

        Raises InvalidValueError for a class that the model does not have.
        """
        vector = self._looked_up(vector)
        raw = self._form.raw(vector)
        explained = self._explained(raw, label)
        output = explained if explained is not None and len(raw) > 1 else 0
        base, slots = self._form.contributions(vector, output)
        return self._contributions(base, slots, raw, explained)

    def explain_shapley(self, vectors: Sequence[Sequence[float]], label: int | None = None) -> list[Contributions]:
        """Return SHAP values of the score of one class for each vector; the class as in `explain`.

        Those of trees are path-dependent: what a slot brings is averaged over the training rows that reached each node,
        not over rows drawn apart. Raises InvalidValueError where a form cannot, and for a class that there is not.
        """
        raws = self.raws(vectors)
        explained = [self._explained(raw, label) for raw in raws]
        several = self._form.scores > 1
        answers: dict[int, Contributions] = {}
        for chosen in dict.fromkeys(explained):
            rows = [row for row, other in enumerate(explained) if other == chosen]
            base, values = self._form.shapley(
                [self._looked_up(vectors[row]) for row in rows], chosen if several and chosen else 0
            )
            for row, slots in zip(rows, values, strict=True):
                answers[row] = self._contributions(base, slots, raws[row], chosen)
        return [answers[row] for row in range(len(raws))]

    @property
    def shapley_cost(self) -> Cost:
        """The expected cost of SHAP values, before any is spent."""
        return self._form.shapley_cost

    @property
    def shapley_method(self) -> str:
        """What SHAP values are taken over, in the words of the field."""
        return self._form.shapley_method

    def _contributions(self, base: float, slots: list[float], raw: list[float], label: int | None) -> Contributions:
        """Return the contributions to the score of a class; class 0 of one score is its opposite."""
        if label == 0 and len(raw) == 1:
            return Contributions(-base, [-part for part in slots], -raw[0], 0, self.link)
        return Contributions(base, slots, raw[label if label is not None and len(raw) > 1 else 0], label, self.link)

    def _explained(self, raw: list[float], label: int | None) -> int | None:
        if self.task == "regression":
            return None
        if label is not None:
            if not 0 <= label < self.classes:
                raise InvalidValueError(f"there is no class {label} among {self.classes}", field="explain")
            return label
        return 1 if self.classes == _BINARY else raw.index(max(raw))


def _means_of(document: Mapping[str, Any]) -> list[tuple[int, Sequence[float]]]:
    """Return slots with what was learned of each of their codes, as the 32-bit floats that vectors hold."""
    means = document.get("means")
    if not means:
        return []
    from array import array  # noqa: PLC0415  few models have such slots

    tables: list[tuple[int, Sequence[float]]] = [(int(slot), array("f", table)) for slot, table in means.items()]
    if not all(0 <= slot < document["slots"] and table for slot, table in tables):
        raise ArtifactRefusedError("what was learned of values does not fit the slots")
    return tables


_FORMS: dict[str, type[Linear | Trees]] = {"linear": Linear, "trees": Trees}


def _form_of(document: Mapping[str, Any], slots: int) -> Linear | Trees | Blend:
    if document["form"] != BLEND:
        return _FORMS[document["form"]](document, slots)
    from modelloop.flat.blend import Blend  # noqa: PLC0415  a cold start of another form does without it

    return Blend(document, slots)


def load(document: Mapping[str, Any]) -> FlatModel:
    """Return the model of a flat document; raise ArtifactRefusedError when it is malformed."""
    if document.get("format_version") != FORMAT_VERSION:
        raise ArtifactRefusedError(f"flat model of format {document.get('format_version')!r}")
    try:
        return FlatModel(document)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ArtifactRefusedError(f"not a flat model: {error!r}") from error
