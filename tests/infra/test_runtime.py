"""What a built function can and cannot import, with its own layers alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

import modelloop
from modelloop_client.client import Client
from modelloop_stack.build import runtime
from modelloop_stack.build.application import build
from tests.support.template.handlers import HANDLERS

CAN = {
    "RuntimeLayer": ("aws_lambda_powertools", "obstore", "orjson", "yaml"),
    "ServingLayer": ("numpy", "onnxruntime"),
    "DataLayer": ("duckdb", "numpy"),
    "TrainingLayer": ("sklearn", "scipy", "joblib", "numpy", "skl2onnx", "onnx"),
}
NOWHERE = ("boto3", "botocore", "pandas", "pydantic", "modelloop_cli", "modelloop_client", "modelloop_stack", "pytest")
CHECK = "import importlib.util, sys; print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name)))"


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    build()


def importable(function: str, names: set[str]) -> set[str]:
    command = [*runtime.command(), "-c", CHECK, *sorted(names)]
    done = subprocess.run(command, env=runtime.environment(function), capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_finds_its_layers_and_nothing_else(function: str) -> None:
    expected = {name for layer in HANDLERS[function][1] for name in CAN[layer]}
    everything = {name for names in CAN.values() for name in names} | set(NOWHERE)
    assert importable(function, everything) == expected


@pytest.mark.parametrize("layer", CAN)
def test_a_layer_really_imports_after_pruning(layer: str) -> None:
    function = next(name for name, (_, layers) in HANDLERS.items() if layer in layers)
    code = "; ".join(f"import {name}" for name in CAN[layer])
    command = [*runtime.command(), "-W", "error", "-c", code]
    subprocess.run(command, env=runtime.environment(function), check=True)


def test_a_pruned_engine_still_trains_exports_and_answers(tmp_path_factory: pytest.TempPathFactory) -> None:
    model = tmp_path_factory.mktemp("model") / "model.onnx"
    train = (
        "import sys, numpy, pathlib; from sklearn.svm import SVC; from skl2onnx import to_onnx;"
        "x = numpy.random.default_rng(0).random((60, 3)).astype('float32'); y = (x[:, 0] > 0.5).astype(int);"
        "pathlib.Path(sys.argv[1]).write_bytes(to_onnx(SVC().fit(x, y), x[:1]).SerializeToString())"
    )
    answer = (
        "import sys, numpy, onnxruntime; session = onnxruntime.InferenceSession(sys.argv[1]);"
        "print(session.run(None, {'X': numpy.array([[0.9, 0.5, 0.5]], 'float32')})[0][0])"
    )
    for function, code in (("TrainerFunction", train), ("InferenceFunction", answer)):
        command = [*runtime.command(), "-c", code, str(model)]
        done = subprocess.run(command, env=runtime.environment(function), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


def test_the_domain_offers_the_client_to_programs_and_not_to_functions() -> None:
    told = "import modelloop, sys; print(modelloop.__version__, hasattr(modelloop, 'Client'), 'httpx' in sys.modules)"
    built = [*runtime.command(), "-c", told]
    done = subprocess.run(
        built, env=runtime.environment("InferenceFunction"), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{modelloop.__version__} False False\n"

    here = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert here.stdout == f"{modelloop.__version__} True True\n"
    assert modelloop.Client is Client
    with pytest.raises(AttributeError, match="no attribute 'Clients'"):
        getattr(modelloop, "Clients")  # noqa: B009  the checker knows that there is none


def test_importing_the_domain_imports_no_client() -> None:
    told = "import modelloop, sys; print([name for name in sys.modules if name.startswith(('httpx', 'modelloop_'))])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
