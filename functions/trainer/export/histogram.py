"""Histogram gradient boosting: native missing values and category sets, all losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.export.forms import Ensemble, Nodes
from trainer.families.link_space import histogram_link

if TYPE_CHECKING:
    from modelloop.json_types import JsonObject
    from modelloop.tables.encoding import Encoding
    from trainer.families.model import Model

_WORD = 32  # bits in one word of scikit-learn's category sets


def form(model: Model, encoding: Encoding) -> JsonObject | None:
    """Return the flat form of a histogram gradient boosting model; None for anything else."""
    link, estimator = histogram_link(model), model.estimator
    if link is None:
        return None
    columns = _Columns(estimator, encoding)
    ensemble = Ensemble()
    for score in range(estimator.n_trees_per_iteration_):
        for iteration in estimator._predictors:  # noqa: SLF001  the trees have no public attribute
            ensemble.append(columns.nodes(iteration[score]))
    return ensemble.document(
        link=link,
        base=np.ravel(estimator._baseline_prediction).tolist(),  # noqa: SLF001
        codes={str(slot): encoding.slots[slot].codes for slot in columns.ordinals},
    )


class _Columns:
    """The estimator's view of the slots: it moves category columns to the front and renumbers their codes.

    `ordinals` maps, per category slot, the code that a vector holds to the ordinal that the trees test. A code that
    was never seen in training has no ordinal and counts as missing.
    """

    def __init__(self, estimator: Any, encoding: Encoding) -> None:
        self.slots = list(range(len(encoding.slots)))
        self.ordinals: dict[int, dict[int, int]] = {}
        self._codes = [slot.codes for slot in encoding.slots]
        if estimator._preprocessor is None:  # noqa: SLF001  there are no category columns
            return
        chosen = np.flatnonzero(estimator.is_categorical_).tolist()
        self.slots = chosen + [slot for slot in self.slots if slot not in set(chosen)]
        encoder = estimator._preprocessor.named_transformers_["encoder"]  # noqa: SLF001
        for slot, categories in zip(chosen, encoder.categories_, strict=True):
            present = [int(code) for code in categories if not np.isnan(code)]
            self.ordinals[slot] = {code: ordinal for ordinal, code in enumerate(present)}

    def nodes(self, predictor: Any) -> Nodes:
        """Return one tree in terms of slots and of the codes that vectors hold."""
        table = predictor.nodes
        is_leaf = table["is_leaf"].astype(bool)
        tests = np.flatnonzero(table["is_categorical"].astype(bool) & ~is_leaf).tolist()
        return Nodes(
            left=np.where(is_leaf, -1, table["left"].astype(np.int64)).tolist(),
            right=table["right"].tolist(),
            feature=[self.slots[column] for column in table["feature_idx"].tolist()],
            number=np.where(is_leaf, table["value"], table["num_threshold"]).tolist(),
            cover=table["count"].astype(np.float64).tolist(),
            missing_left=table["missing_go_to_left"].astype(bool).tolist(),
            tests={node: self._left_codes(predictor, table[node]) for node in tests},
        )

    def _left_codes(self, predictor: Any, node: Any) -> list[int]:
        slot = self.slots[node["feature_idx"]]
        words = predictor.raw_left_cat_bitsets[node["bitset_idx"]].tolist()
        missing_left = bool(node["missing_go_to_left"])
        ordinals = self.ordinals[slot]
        left = [
            code
            for code in range(self._codes[slot])
            if (_holds(words, ordinals[code]) if code in ordinals else missing_left)
        ]
        return [*left, self._codes[slot]] if missing_left else left


def _holds(words: list[int], ordinal: int) -> bool:
    return bool(words[ordinal // _WORD] >> ordinal % _WORD & 1)
