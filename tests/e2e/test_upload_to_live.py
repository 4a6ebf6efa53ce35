"""10,000 rows of 20 columns on the embedded stack: from the upload to the first answer of the new version."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import duckdb

from modelloop_client.run_progress import find_run, follow
from modelloop_client.uploads import upload
from tests.benchmarks.training import tables

if TYPE_CHECKING:
    import httpx

    from modelloop_client.client import Client

MODEL = "ten-thousand"
MOST_SECONDS = 60.0


def test_a_table_of_ten_thousand_rows_serves_within_a_minute(client: Client, api: httpx.Client) -> None:
    table = tables.make(tables.Shape(10_000))
    (row,) = duckdb.read_csv(str(table)).select("* EXCLUDE target").limit(1).to_df().to_dict("records")
    started = time.monotonic()

    sent = upload(client.stack, MODEL, table, force=True, on_progress=lambda _: None)
    run = follow(client, MODEL, find_run(client, MODEL, sent)["run_id"], lambda _: None)
    answer = api.post(f"/models/{MODEL}/invocations", json={"dataframe_records": [_told(row)]})

    seconds = time.monotonic() - started
    assert run["state"] == "SUCCEEDED", run["reason"]
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0] in {"class 0", "class 1"}
    assert seconds < MOST_SECONDS


def _told(row: dict[str, object]) -> dict[str, object]:
    return {name: None if value != value else str(value) for name, value in row.items()}  # noqa: PLR0124  NaN alone
