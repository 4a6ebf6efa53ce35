from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.trainer_lab import Data, regression_sample, sample

if TYPE_CHECKING:
    from tests.support.trainer_lab import Lab

xgboost = pytest.importorskip("xgboost")
onnxmltools = pytest.importorskip("onnxmltools")
kinds = pytest.importorskip("onnxmltools.convert.common.data_types")


def converted(data: Data) -> bytes:
    """Return a boosted model as its own users export it."""
    kind = xgboost.XGBRegressor if data.classes is None else xgboost.XGBClassifier
    model = kind(n_estimators=20, max_depth=3, n_jobs=1).fit(data.matrix, data.target)
    exported = onnxmltools.convert_xgboost(
        model, initial_types=[("x", kinds.FloatTensorType([None, data.matrix.shape[1]]))]
    )
    return bytes(exported.SerializeToString())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("make", [sample, regression_sample])
def test_a_model_of_xgboost_serves(lab: Lab, make: type[Data]) -> None:
    data: Data = make(900, 1)  # type: ignore[arg-type]
    fitted, reference = (
        replace(data, matrix=data.matrix[rows], target=data.target[rows]) for rows in (slice(600), slice(600, None))
    )
    run = lab.import_model(converted(fitted), reference)
    assert run.state == "SUCCEEDED", run.reason
    assert run.reason == "version 1 serves"
    assert lab.manifest(run)["replay"]["mismatches"] == 0
