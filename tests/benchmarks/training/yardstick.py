"""What a notebook does with such a table: read it, fit both families, choose; nothing is checked, stored or proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

if TYPE_CHECKING:
    from pathlib import Path

HELD_OUT = 0.2


def fit(path: Path, classes: int) -> float:
    """Return the better family's loss on the rows that were held out."""
    table = pd.read_csv(path)
    target = table.pop("target")
    texts = [name for name in table if name.startswith(("text", "boolean"))]
    dates = [name for name in table if name.startswith("date")]
    for name in dates:
        table[name] = pd.to_datetime(table[name]).astype("int64")
    numbers = [name for name in table if name not in texts]
    table[texts] = table[texts].astype("string").fillna("")
    fitted, held, known, truth = train_test_split(table, target, test_size=HELD_OUT, random_state=0)
    found = []
    for model in _models(numbers, texts, classes):
        model.fit(fitted, known)
        if classes:
            found.append(log_loss(truth, model.predict_proba(held), labels=model.classes_))
        else:
            found.append(root_mean_squared_error(truth, model.predict(held)))
    return float(min(found))


def _models(numbers: list[str], texts: list[str], classes: int) -> list[Any]:
    ordinal = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), texts), remainder="passthrough"
    )
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    one_hot = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), texts), (scaled, numbers))
    boosting = HistGradientBoostingClassifier() if classes else HistGradientBoostingRegressor()
    linear = LogisticRegression() if classes else Ridge()
    return [make_pipeline(ordinal, boosting), make_pipeline(one_hot, linear)]
