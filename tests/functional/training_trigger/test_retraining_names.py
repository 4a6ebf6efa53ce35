"""A table is trained again with every column under its own name, and with none of its rows on another side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np
import pytest

from inference.protocols import csvtable, mlflow
from modelloop import keys
from modelloop.aws.storage import Bucket
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.tables.encoding import encoding_from_json
from modelloop.versions.run import SUCCEEDED
from modelloop_client.rows import from_text

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

ROWS = [(f"{i % 9 + 0.5}", f"{i * 0.25}", "yes" if i % 3 else "no") for i in range(60)]
TABLES = {
    "an index without a name": ",x,z,y\n" + "".join(f"{i},{x},{z},{y}\n" for i, (x, z, y) in enumerate(ROWS)),
    "two columns without a name": ",,x,z,y\n" + "".join(f"{i},a,{x},{z},{y}\n" for i, (x, z, y) in enumerate(ROWS)),
    "empty columns at the end": "x,z,y,,\n" + "".join(f"{x},{z},{y},,\n" for x, z, y in ROWS),
    "names that differ in case": "x,X,y\n" + "".join(f"{x},{z},{y}\n" for x, z, y in ROWS),
    "names with signs": '"a ""b""","c\nd",é y\n' + "".join(f"{x},{z},{y}\n" for x, z, y in ROWS),
    "pandas' own name": "Unnamed: 0,x,y\n" + "".join(f"{i % 7},{x},{y}\n" for i, (x, _, y) in enumerate(ROWS)),
}


@pytest.mark.parametrize("shape", TABLES)
def test_a_table_of_any_names_is_trained_again_as_it_was(shared_stage: Stage, shape: str) -> None:
    stage, model = shared_stage, shape.replace(" ", "-").replace("'", "")
    base = stage.upload("t.csv", TABLES[shape], model)
    stage.registry.finish_run(model, base.run_id, SUCCEEDED)
    before = stage.table(base)
    names = [column["name"] for column in before["encoding"]["columns"]]
    values: dict[str, Any] = dict.fromkeys(names, 4.5)
    labelled = [{"id": f"p{i:03d}", "row": 0, "time": "2026-11-23T10:00:00.000Z", "values": values, "label": "no"}
                for i in range(3)]  # fmt: skip
    body = "".join(json.dumps(line) + "\n" for line in labelled).encode()
    Bucket("test-artifacts").put(keys.labelled(model, "2026-11-23T10"), body)
    (outcome,) = stage.deliver(RetrainRequest(model, "request", "asked", None).to_json())
    run = stage.registry.get_run(model, outcome["run_id"])
    assert (run.state, run.reason, run.dataset.rows) == ("QUEUED", None, 63)
    after = stage.table(run)
    assert [column["name"] for column in after["profile"]] == [column["name"] for column in before["profile"]]
    assert [column["name"] for column in after["encoding"]["columns"]] == names
    np.testing.assert_array_equal(stage.array(run, "membership.npy")[:60], stage.array(base, "membership.npy"))
    np.testing.assert_array_equal(stage.array(run, "matrix.npy")[:60], stage.array(base, "matrix.npy"))


@pytest.mark.parametrize("shape", TABLES)
def test_the_file_that_trained_is_read_the_same_when_it_is_sent(shared_stage: Stage, shape: str) -> None:
    run = shared_stage.upload("t.csv", TABLES[shape], f"sent-{len(shape)}-{shape[0]}")
    encoding = encoding_from_json(shared_stage.table(run)["encoding"])
    decomposed = normalize("NFD", TABLES[shape]).encode()
    for body in (TABLES[shape].encode(), b"\xef\xbb\xbf" + decomposed):
        query = csvtable.parse(body)
        vectors = np.array(encoding.read(query.rows, query.cells).vectors, np.float32)
        np.testing.assert_array_equal(vectors, shared_stage.array(run, "matrix.npy"))
        client = [json.dumps(row) for row in from_text(body.decode())]
        records = mlflow.parse(f'{{"dataframe_records": [{", ".join(client)}]}}'.encode(), encoding.columns)
        vectors = np.array(encoding.read(records.rows, records.cells).vectors, np.float32)
        np.testing.assert_array_equal(vectors, shared_stage.array(run, "matrix.npy"))
