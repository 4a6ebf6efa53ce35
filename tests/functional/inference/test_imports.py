"""What the first answer may import: measured in a clean process, because one stray import undoes the cold start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.functional.inference.lambda_service import LambdaService

if TYPE_CHECKING:
    from tests.functional.inference.conftest import Plane, Store

FORBIDDEN = {
    "sklearn", "scipy", "pandas", "numpy", "boto3", "botocore", "pydantic", "joblib", "onnxruntime", "duckdb",
    "aws_lambda_powertools", "http.client", "ssl", "email", "asyncio", "yaml", "csv", "unittest", "typing_extensions",
}  # fmt: skip
FUNCTIONS = Path(__file__).parents[3] / "functions"
PROGRAM = """
import json, os, sys
from inference.handler import handler
answer = handler(json.loads(os.environ["EVENT"]), None)
assert answer["statusCode"] == 200, answer
json.dump(sorted(sys.modules), sys.stderr)
"""


def test_the_first_answer_imports_nothing_heavy(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    event = {
        "resource": "/v2/models/{model}/infer",
        "httpMethod": "POST",
        "pathParameters": {"model": "penguins"},
        "body": json.dumps(
            {
                "inputs": [
                    {"name": "mass", "shape": [1], "datatype": "FP64", "data": [1.5]},
                    {"name": "island", "shape": [1], "datatype": "BYTES", "data": ["Dream"]},
                ]
            }
        ),
        "isBase64Encoded": False,
    }
    assert plane.service.in_line
    with LambdaService() as service:
        environment = os.environ | {
            "EVENT": json.dumps(event),
            "MODELLOOP_CAPTURE_MODE": "extension",
            "AWS_LAMBDA_RUNTIME_API": service.address,
            "PYTHONPATH": str(FUNCTIONS),
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, env=environment, text=True, check=False, timeout=60
        )
    assert service.extensions
    assert done.returncode == 0, done.stderr
    assert not set(json.loads(done.stderr)) & FORBIDDEN
