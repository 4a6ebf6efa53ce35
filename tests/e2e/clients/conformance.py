"""Speaks to a stack with the real clients and prints, as JSON, what each of them understood.

Runs in the clients' own environment: API_URL, API_KEY and MODEL say where to.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import numpy as np

URL, KEY, MODEL = os.environ["API_URL"], {"x-api-key": os.environ["API_KEY"]}, os.environ["MODEL"]
MASS, ISLAND = [[1.0], [float("nan")]], [["Dream"], ["Biscoe"]]
BINARY = KEY | {"Content-Type": "application/octet-stream"}


def triton() -> dict[str, Any]:
    from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput  # noqa: PLC0415
    from tritonclient.utils import InferenceServerException  # noqa: PLC0415

    client = InferenceServerClient(URL.removeprefix("http://"))

    def inputs(*, binary: bool) -> list[Any]:
        mass, island = InferInput("mass", [2, 1], "FP64"), InferInput("island", [2, 1], "BYTES")
        mass.set_data_from_numpy(np.array(MASS if binary else [[1.0], [2.0]]), binary_data=binary)
        island.set_data_from_numpy(np.array(ISLAND, dtype=object), binary_data=binary)
        return [mass, island]

    def ask(headers: dict[str, str], *, binary: bool, **options: Any) -> dict[str, Any]:
        outputs = [InferRequestedOutput(name, binary_data=binary) for name in ("predict", "predict_proba")]
        answer = client.infer(MODEL, inputs(binary=binary), outputs=outputs, headers=dict(headers), **options)
        labels = answer.as_numpy("predict").tolist()
        return {
            "labels": [label.decode() if isinstance(label, bytes) else label for label in labels],
            "proba": answer.as_numpy("predict_proba").tolist(),
            "response": {key: answer.get_response()[key] for key in ("model_name", "model_version", "id")},
        }

    def refused(model: str, tensors: list[Any]) -> str:
        try:
            client.infer(model, tensors, headers=BINARY)
        except InferenceServerException as error:
            return str(error)
        return "no error"

    found = {
        "live": client.is_server_live(headers=KEY),
        "ready": client.is_server_ready(headers=KEY),
        "model_ready": client.is_model_ready(MODEL, headers=KEY),
        "version_ready": client.is_model_ready(MODEL, "1", headers=KEY),
        "absent_ready": client.is_model_ready("absent", headers=KEY),
        "server": client.get_server_metadata(headers=KEY),
        "model": client.get_model_metadata(MODEL, headers=KEY),
        "index": client.get_model_repository_index(headers=KEY),
        "json": ask(KEY | {"Content-Type": "application/json"}, binary=False, request_id="mine"),
        "binary": ask(BINARY, binary=True, model_version="1"),
        "untyped": ask(KEY, binary=True),
        "accepted": ask(BINARY | {"Accept": "*/*"}, binary=True),
        "gzip": ask(BINARY, binary=True, request_compression_algorithm="gzip"),
        "absent": refused("absent", inputs(binary=True)),
        "missing": refused(MODEL, inputs(binary=True)[:1]),
    }
    client.close()
    return found


async def kserve() -> dict[str, Any]:
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig  # noqa: PLC0415

    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=30))
    mass = InferInput("mass", [2, 1], "FP64", data=[1.0, 2.0])
    island = InferInput("island", [2, 1], "BYTES", data=["Dream", "Biscoe"])
    request = InferRequest(model_name=MODEL, infer_inputs=[mass, island], request_id="mine")
    answer = await client.infer(URL, request, model_name=MODEL, headers=KEY)
    try:
        await client.infer(URL, InferRequest(model_name=MODEL, infer_inputs=[mass]), model_name=MODEL, headers=KEY)
        error = "no error"
    except Exception as refused:  # noqa: BLE001  whichever the client raises, its text is what a user sees
        error = str(refused)
    found = {
        "live": await client.is_server_live(URL, headers=KEY),
        "ready": await client.is_server_ready(URL, headers=KEY),
        "model_ready": await client.is_model_ready(URL, MODEL, headers=KEY),
        "id": answer.id,
        "outputs": {output.name: output.as_numpy().tolist() for output in answer.outputs},
        "error": error,
    }
    await client.close()
    return found


def plain() -> dict[str, Any]:
    import requests  # noqa: PLC0415

    where = f"{URL}/models/{MODEL}/invocations"

    def post(content_type: str, body: bytes) -> Any:
        return requests.post(where, data=body, headers=KEY | {"Content-Type": content_type}, timeout=30)

    rows = {"dataframe_records": [{"mass": 1.0, "island": "Dream"}, {"mass": None, "island": "Biscoe"}]}
    table = b"mass,island\n1.0,Dream\n,Biscoe\n"
    return {
        "json": requests.post(where, json=rows, headers=KEY, timeout=30).json()["predictions"],
        "csv": post("text/csv", table).json()["predictions"],
        "no_key": requests.post(where, json=rows, timeout=30).status_code,
        "other_type": post("text/xml", b"<a/>").status_code,
    }


if __name__ == "__main__":
    json.dump({"triton": triton(), "kserve": asyncio.run(kserve()), "requests": plain()}, sys.stdout)
