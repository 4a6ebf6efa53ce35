"""10,000 rows of 20 columns on the embedded stack: from the upload to the first answer of the new version.

How long that takes is measured in tests/benchmarks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from modelloop_client.run_progress import find_run, follow
from modelloop_client.uploads import upload
from tests.benchmarks.training import tables

if TYPE_CHECKING:
    import httpx

    from modelloop_client.client import Client

MODEL = "ten-thousand"


def test_a_table_of_ten_thousand_rows_is_served(client: Client, api: httpx.Client) -> None:
    table = tables.make(tables.Shape(10_000))
    (row,) = duckdb.read_csv(str(table)).select("* EXCLUDE target").limit(1).to_df().to_dict("records")

    sent = upload(client.stack, MODEL, table, force=True, on_progress=lambda _: None)
    run = follow(client, MODEL, find_run(client, MODEL, sent)["run_id"], lambda _: None)
    answer = api.post(f"/models/{MODEL}/invocations", json={"dataframe_records": [_told(row)]})

    assert run["state"] == "SUCCEEDED", run["reason"]
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0] in {"class 0", "class 1"}


def _told(row: dict[str, object]) -> dict[str, object]:
    return {name: None if value != value else str(value) for name, value in row.items()}  # noqa: PLR0124  NaN alone
