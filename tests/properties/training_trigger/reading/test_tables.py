"""Generated tables: every writing reads the same, and the matrix is what the shared encoding gives, cell by cell."""

from __future__ import annotations

import csv
import gzip
import io
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import duckdb
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from modelloop.errors import DatasetRejectedError
from modelloop.spec.model import Spec
from modelloop.tables import grammar
from tests.support.intake_stage import DEPLOYED
from training_trigger import engine
from training_trigger.preparation import Prepared, prepare
from training_trigger.reading.load import load

if TYPE_CHECKING:
    from collections.abc import Callable

QUICK = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MISSING = frozenset(grammar.MISSING_TOKENS)
SPARSE = ("would be empty", "training part", "no column is left")

cell_text = st.text(
    st.characters(exclude_categories=["Cs", "Cn", "Cc"], max_codepoint=0x2FFF), min_size=0, max_size=8
).map(lambda text: text.replace("\ufeff", ""))
tricky = st.sampled_from(['say "hi"', "a,b", "a;b", "two\nlines", " padded ", "", "NA", "O'Brien", "\ttab"])
names = st.lists(
    st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=6).map("c{}".format),
    min_size=3, max_size=5, unique_by=lambda name: normalize("NFC", name),
)  # fmt: skip


def written(names_: list[str], rows: list[list[str]], delimiter: str) -> str:
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([names_, *rows])
    return sink.getvalue()


def loaded(body: bytes, file: str) -> list[tuple[Any, ...]]:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder, "upload")
        path.write_bytes(body)
        load(connection, path, file, grammar.MISSING_TOKENS)
        return connection.execute("SELECT * FROM cells").fetchall()


@given(
    names, st.data(), st.sampled_from(",;\t|"),
    st.sampled_from([
        lambda text: text.encode(), lambda text: text.encode("utf-8-sig"), lambda text: text.encode("utf-16"),
        lambda text: gzip.compress(text.encode()), lambda text: text.replace("\r\n", "\n").encode(),
    ]),
)  # fmt: skip
@QUICK
def test_any_writing_of_a_table_gives_the_same_clean_cells(
    names_: list[str], data: st.DataObject, delimiter: str, encode: Callable[[str], bytes]
) -> None:
    row = st.lists(st.one_of(cell_text, tricky), min_size=len(names_), max_size=len(names_))
    rows = data.draw(st.lists(row, min_size=3, max_size=12))
    text = written(names_, rows, delimiter)
    wanted = [tuple(grammar.read_text(cell.replace("\r\n", "\n"), MISSING) for cell in cells) for cells in rows]
    assert loaded(encode(text), "t.csv") == wanted


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.integers(-(10**6), 10**6).map(str), st.sampled_from(["NA", " 1.50 ", "-0.0", "1e-50", ""]),
)  # fmt: skip
dates = st.one_of(
    st.dates().map(str), st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")), st.just("null"),
    st.datetimes().map(lambda moment: moment.isoformat() + "+05:30").filter(lambda text: "0002" < text < "9998"),
)  # fmt: skip
booleans = st.sampled_from(["true", "FALSE", " True", "N/A"])
texts = st.sampled_from(["red", "green", "blue ", "", "é", "e\u0301", "O'Brien", "only once"])


@given(st.data(), st.integers(40, 90))
@QUICK
def test_matrix_is_what_the_shared_encoding_gives(data: st.DataObject, rows: int) -> None:
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    columns = {
        name: chance.choices(data.draw(st.lists(values, min_size=2, max_size=40)), k=rows)
        for name, values in {"n": numbers, "d": dates, "b": booleans, "t": texts}.items()
    }
    columns["y"] = [("yes", "no")[row % 2] for row in range(rows)]
    table = list(zip(*columns.values(), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "upload")
        path.write_text(written(list(columns), [list(row) for row in table], ","), encoding="utf-8", newline="")
        try:
            prepared = _prepare(path)
        except DatasetRejectedError as refusal:
            told = refusal.message
            assert any(reason in told for reason in SPARSE), told
            return
        matrix = np.load(prepared.files["matrix.npy"])
    encoding = prepared.facts.encoding
    served = encoding.read(rows, columns)
    np.testing.assert_array_equal(matrix, np.array(served.vectors, np.float32))


def _prepare(path: Path) -> Prepared:
    with engine.connect(path.parent) as connection:
        return prepare(
            connection, path, file="t.csv", model="m", spec=Spec(), trainer=DEPLOYED, progress=lambda _: None
        )
