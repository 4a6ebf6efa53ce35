"""What the first answer may import: measured in a clean process, because one stray import undoes the cold start."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.lambda_service import LambdaService

if TYPE_CHECKING:
    from tests.support.data_plane import Plane, Store

FORBIDDEN = {
    "sklearn", "scipy", "pandas", "numpy", "boto3", "botocore", "pydantic", "joblib", "onnxruntime", "duckdb",
    "aws_lambda_powertools", "http.client", "ssl", "email", "asyncio", "yaml", "csv", "pathlib", "unittest",
    "typing_extensions", "difflib", "gzip", "heapq", "inference.protocols.csvtable",
    "modelloop.tables.not_a_number", "modelloop.tables.column_names", "modelloop.tables.dialect",
}  # fmt: skip
FUNCTIONS = Path(__file__).parents[3] / "functions"
PROGRAM = """
import json, os, sys
from inference.handler import handler
answer = handler(json.loads(os.environ["EVENT"]), None)
assert answer["statusCode"] == 200, answer
json.dump(sorted(sys.modules), sys.stderr)
"""


EVENT = {
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


def environment_of(service: LambdaService) -> dict[str, str]:
    return os.environ | {
        "EVENT": json.dumps(EVENT),
        "MODELLOOP_CAPTURE_MODE": "extension",
        "AWS_LAMBDA_RUNTIME_API": service.address,
        "PYTHONPATH": str(FUNCTIONS),
    }


def test_the_first_answer_imports_nothing_heavy(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    assert plane.service.before_response
    with LambdaService() as service:
        environment = environment_of(service)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, env=environment, text=True, check=False, timeout=60
        )
    assert service.extensions
    assert done.returncode == 0, done.stderr
    assert not set(json.loads(done.stderr)) & FORBIDDEN


CONSTANT = """
import json
from aws_lambda_powertools import Logger
logger = Logger(service="constant")
logger.info("hello")
"""
ROUNDS, MOST = 5, 2.5


def test_the_first_answer_is_close_to_a_constant_one(store: Store, plane: Plane) -> None:
    """The cheapest of some starts each, in turn, in processor time: a busy machine adds a little to it."""
    assert plane.service.before_response
    store.pointer(store.version(1))
    best = {"ours": math.inf, "constant": math.inf}
    with LambdaService() as service:
        environment = environment_of(service)
        for _ in range(ROUNDS):
            for name, program in (("ours", PROGRAM), ("constant", CONSTANT)):
                service.ready.clear()
                best[name] = min(best[name], processor_seconds(program, environment))
    assert best["ours"] <= MOST * best["constant"], best


def processor_seconds(program: str, environment: dict[str, str]) -> float:
    """Return what a process that runs the program used, as its user and in the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
