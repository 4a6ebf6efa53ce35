"""The usual handler: boto3 fetches a joblib file once, scikit-learn answers from a warm global."""

from __future__ import annotations

import io
import json
import os
from base64 import b64decode
from typing import Any

import boto3
import joblib
import numpy as np

_s3 = boto3.client("s3")
_model: Any = None


def load() -> Any:
    global _model  # noqa: PLW0603  a warm global is what makes it the usual handler
    if _model is None:
        found = _s3.get_object(Bucket=os.environ["MODEL_BUCKET"], Key=os.environ["MODEL_KEY"])
        _model = joblib.load(io.BytesIO(found["Body"].read()))
    return _model


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    model = load()
    raw = b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    inputs = json.loads(raw)["inputs"]
    table = np.empty((inputs[0]["shape"][0], len(inputs)), dtype=object)
    for place, tensor in enumerate(inputs):
        table[:, place] = [np.nan if cell is None else cell for cell in tensor["data"]]
    answer = {"predict": model.predict(table).tolist(), "predict_proba": model.predict_proba(table).tolist()}
    return {"statusCode": 200, "body": json.dumps(answer)}
