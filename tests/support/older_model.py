"""A model as an earlier release left it: its table, and everything that release stored of the version that serves.

`older_model.json.gz` holds the objects of the artifacts bucket (bundle, manifest, anchor and pointer, as base64) and
the items of the table, written by the code of commit 5096064 for `table(ROWS)` under `SPEC`, with the sides that it
gave the rows. In the items, VERSION stands for the object version of the upload.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelloop import keys
from modelloop.aws import clients
from tests.support.intake_stage import ARTIFACTS, DATA, TABLE

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

MODEL, FILE, ROWS = "older", "t.csv", 1_500
SPEC = "estimators: [linear]\nparams: {linear: {C: 0.002}}\n"
VERSION = "VERSION-OF-THE-UPLOAD"
_CODES = ("a", "NULL", "b", "n/a", "NA", "nan", "-")
_MOMENTS = ("2026-01-05 10:00:00+00", "2026-01-06 11:30:00+00", "2026-02-01 00:00:00+00")
_AMOUNTS = ("(12.50)", "1\u202f234", "7", "1\u2019000")


def rows(count: int, seed: int = 7) -> list[dict[str, str]]:
    """Return rows whose label follows `x` and `code`; every other column holds what the release read as text."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        x, code = chance.gauss(0, 1), chance.choice(_CODES)
        score = 2 * x + (1.5 if code == "a" else -0.5) + chance.gauss(0, 0.8)
        made.append({
            "x": f"{x:.4f}", "code": code, "odd": chance.choice(("3", "7", "8", "#N/A")),
            "at": chance.choice(_MOMENTS), "amount": chance.choice(_AMOUNTS), "y": "yes" if score > 0 else "no",
        })  # fmt: skip
    return made


def table(count: int = ROWS) -> str:
    """Return the CSV of the table."""
    made = rows(count)
    return "\n".join([",".join(made[0]), *(",".join(row.values()) for row in made)]) + "\n"


@cache
def recorded() -> dict[str, Any]:
    """Return what was recorded: `objects` by key, `items`, the `run_id` and the `membership`, one digit a row."""
    packed = Path(__file__).with_name("older_model.json.gz").read_bytes()
    return json.loads(gzip.decompress(packed))  # type: ignore[no-any-return]


def restore(stage: Stage) -> str:
    """Put table, spec, objects and items where that release had them; return the run of the version that serves."""
    s3, dynamodb = clients.client("s3"), clients.client("dynamodb")
    stage.spec(SPEC, MODEL)
    uploaded = s3.put_object(Bucket=DATA, Key=keys.dataset(MODEL, FILE), Body=table().encode())["VersionId"]
    for key, body in recorded()["objects"].items():
        s3.put_object(Bucket=ARTIFACTS, Key=key, Body=base64.b64decode(body))
    for item in recorded()["items"]:
        dynamodb.put_item(TableName=TABLE, Item=json.loads(json.dumps(item).replace(VERSION, uploaded)))
    return str(recorded()["run_id"])
