"""Tables made to exhaust the memory are refused within that of the function."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from samcli.yamlhelper import yaml_parse

from modelloop_stack.build.paths import ROOT
from tests.support.bad_tables import CASES

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = """
import sys
from pathlib import Path
from modelloop.errors import DatasetRejectedError
from modelloop.spec.model import Spec
from training_trigger import engine
from training_trigger.preparation import prepare
from training_trigger.services import Trainer

path, file = Path(sys.argv[1]), sys.argv[2]
try:
    with engine.connect(path.parent) as connection:
        prepare(connection, path, file=file, model="m", spec=Spec(), trainer=Trainer(3008, 4096), progress=print)
except DatasetRejectedError as error:
    status = Path("/proc/self/status").read_text()  # getrusage would count the parent before the exec
    print(int(status.partition("VmHWM:")[2].split()[0]) // 1024, error.message)
"""


def swelling() -> bytes:
    """Return a gzip file of a few megabytes that is four gigabytes when it is unpacked."""
    return gzip.compress(b"x,y\n") + gzip.compress(b"1,2\n" * (4 << 20), 9) * 256


def countless() -> bytes:
    """Return a Parquet file of a few kilobytes with more rows than can be trained on."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder, "t.parquet")
        rows = "SELECT 1 AS x, 2 AS y FROM range(112_000_000)"
        connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10_000_000)")
        return path.read_bytes()


CORPUS = {case.name: case for case in CASES}
WIDE = CORPUS["ten thousand columns"]


@pytest.mark.parametrize(
    ("body", "file", "says"),
    [
        pytest.param(lambda: CORPUS["gzip bomb"].body, "t.csv.gz", "MiB when unpacked", id="bomb"),
        pytest.param(swelling, "t.csv.gz", "MiB when unpacked", id="four gigabytes"),
        pytest.param(
            countless, "t.parquet", "the table has 112,000,000 rows; with a single column", id="countless rows"
        ),
        pytest.param(lambda: WIDE.body, WIDE.file, WIDE.says, id="ten thousand columns"),
        pytest.param(lambda: b'x,y\n"' + b"a" * (64 << 20), "t.csv", "a value is longer than 1 MiB", id="one value"),
    ],
)
def test_what_would_exhaust_the_memory_is_refused_within_a_quarter_of_it(
    tmp_path: Path, body: Callable[[], bytes], file: str, says: str
) -> None:
    function = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["TrainingTriggerFunction"]
    path = tmp_path / "upload"
    path.write_bytes(body())
    command = [sys.executable, "-c", SCRIPT, str(path), file]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    peak, _, reason = done.stdout.partition(" ")
    print(f"{peak} MB at peak")
    assert says in reason
    assert int(peak) < function["Properties"]["MemorySize"] / 4
