"""The broad story: every way to ask a model, every change of what serves, then exports and erasures."""

from __future__ import annotations

import gzip
import json
import struct
from typing import TYPE_CHECKING, Any

from tests.comparison import tables
from tests.comparison.stories.haze import paced

if TYPE_CHECKING:
    from tests.comparison.stand import Stand

MODEL = "penguins"
INVOCATIONS, INFER, FEEDBACK = f"/models/{MODEL}/invocations", f"/v2/models/{MODEL}/infer", f"/models/{MODEL}/feedback"
NUMBERS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year")
SPEC = (
    b"""target: species
params: {hist_gradient_boosting: {max_iter: 8, max_leaf_nodes: 6}}
promotion: {canary_percent: 30, bake_minutes: 45}
monitoring: {min_rows: 200}
"""
    + tables.MISSING
)
JSON, CSV, BINARY = "application/json", "text/csv", "application/octet-stream"


def tell(stand: Stand) -> None:
    """Tell all of it, in the order of a model's life."""
    stand.ask("empty/models", "GET", "/models")
    stand.ask("empty/metrics", "GET", "/metrics")
    stand.put("penguins/spec", f"datasets/{MODEL}/model.yaml", SPEC)
    stand.upload("penguins/first", f"datasets/{MODEL}/penguins.csv", tables.penguins())
    _predictions(stand)
    _refusals(stand)
    _catalogue(stand)
    _labels(stand)
    stand.deliver("penguins/first")
    _quarantine(stand)
    stand.tick("penguins/first-look", MODEL)
    _rollout(stand)
    _promotion(stand)
    _shadow(stand)
    _changes(stand)
    _questions(stand)
    _exports(stand)
    _erasures(stand)
    _end(stand)


def features(rows: slice) -> list[dict[str, Any]]:
    """Return some of the birds as a caller sends them."""
    return [
        {name: cell for name, cell in row.items() if name != "species"}
        for row in tables.records(tables.penguins())[rows]
    ]


def _predictions(stand: Stand) -> None:
    rows = features(slice(0, 8))
    split = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
    stand.act("ask/records", INVOCATIONS, dataframe_records=rows)
    stand.act("ask/split", INVOCATIONS, dataframe_split=split, params={"explain": True})
    stand.act("ask/instances", INVOCATIONS, instances=rows[:2])
    stand.act("ask/inputs", INVOCATIONS, inputs={name: [row[name] for row in rows] for name in rows[0]})
    stand.ask("ask/csv", "POST", INVOCATIONS, tables.text(rows), headers={"content-type": CSV})
    packed = gzip.compress(json.dumps({"dataframe_records": rows[:1]}).encode(), mtime=0)
    stand.ask("ask/packed", "POST", INVOCATIONS, packed, headers={"content-type": JSON, "content-encoding": "gzip"})
    stand.ask(
        "ask/sticky", "POST", INVOCATIONS, json.dumps({"dataframe_records": rows[:1]}).encode(),
        headers={"content-type": JSON, "x-modelloop-sticky-key": "somebody"},
    )  # fmt: skip
    inputs = [_tensor(name, [row[name] for row in rows]) for name in rows[0]]
    stand.act("ask/oip", INFER, inputs=inputs)
    stand.act("ask/oip-labels", INFER, inputs=inputs, outputs=[{"name": "predict"}], id="my-id")
    stand.act("ask/oip-explained", INFER, inputs=inputs, parameters={"explain": True})
    _binary(stand, rows)
    stand.act("ask/strange-cells", INVOCATIONS, dataframe_records=[{**rows[0], "island": "Atlantis", "sex": None}])
    stand.act("ask/many", INVOCATIONS, dataframe_records=features(slice(None)))


def _tensor(name: str, cells: list[Any]) -> dict[str, Any]:
    datatype = "FP64" if name in NUMBERS else "BYTES"
    return {"name": name, "datatype": datatype, "shape": [len(cells)], "data": cells}


def _binary(stand: Stand, rows: list[dict[str, Any]]) -> None:
    """Ask with binary tensors in and out."""
    inputs, tail = [], b""
    for name in rows[0]:
        cells = [row[name] for row in rows]
        if name in NUMBERS:
            raw = b"".join(struct.pack("<d", float("nan") if cell is None else cell) for cell in cells)
        else:
            raw = b"".join(struct.pack("<I", len(cell or "")) + (cell or "").encode() for cell in cells)
        tensor = {key: value for key, value in _tensor(name, cells).items() if key != "data"}
        inputs.append(tensor | {"parameters": {"binary_data_size": len(raw)}})
        tail += raw
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {"content-type": BINARY, "inference-header-content-length": str(len(head)), "accept": BINARY}
    stand.ask("ask/binary", "POST", INFER, head + tail, headers=headers)
    stand.ask("ask/binary-cut", "POST", INFER, (head + tail)[:-3], headers=headers)


def _refusals(stand: Stand) -> None:
    """Every kind of error that a caller can make."""
    row = features(slice(0, 1))[0]
    stand.act("bad/unknown-model", "/models/nobody/invocations", dataframe_records=[row])
    stand.act("bad/model-name", "/models/No_Name/invocations", dataframe_records=[row])
    stand.act("bad/version", f"/v2/models/{MODEL}/versions/9/infer", inputs=[])
    stand.act("bad/missing-column", INVOCATIONS, dataframe_records=[{"island": "Biscoe"}])
    stand.act("bad/extra-column", INVOCATIONS, dataframe_records=[{**row, "colour": "black"}])
    stand.act("bad/cell", INVOCATIONS, dataframe_records=[row, {**row, "body_mass_g": "heavy"}])
    stand.act("bad/empty", INVOCATIONS, dataframe_records=[])
    stand.act("bad/no-rows", INVOCATIONS, rows=[row])
    stand.act("bad/interval", INVOCATIONS, dataframe_records=[row], params={"interval": 0.9})
    stand.act("bad/params", INVOCATIONS, dataframe_records=[row], params={"explain": "yes"})
    stand.act("bad/tensor", INFER, inputs=[{"name": "year", "datatype": "FP64", "shape": [2], "data": [1]}])
    stand.act("bad/datatype", INFER, inputs=[{"name": "year", "datatype": "YEAR", "shape": [1], "data": [1]}])
    stand.ask("bad/json", "POST", INVOCATIONS, b"{", headers={"content-type": JSON})
    stand.ask("bad/media", "POST", INVOCATIONS, b"<a/>", headers={"content-type": "text/xml"})
    stand.ask("bad/oip-media", "POST", INFER, b"a,b", headers={"content-type": CSV})
    stand.ask("bad/coding", "POST", INVOCATIONS, b"{}", headers={"content-type": JSON, "content-encoding": "br"})
    stand.ask("bad/packed", "POST", INVOCATIONS, b"{}", headers={"content-type": JSON, "content-encoding": "gzip"})
    stand.ask("bad/large", "POST", INVOCATIONS, b" " * 4_000_001, headers={"content-type": JSON})
    stand.act("bad/label", FEEDBACK, feedback=[{"id": "7", "label": "Adelie"}])
    stand.act("bad/no-label", FEEDBACK, feedback=[{"id": _made(stand), "label": None}])
    stand.act("bad/feedback", FEEDBACK, labels=[])
    stand.act("bad/feedback-model", "/models/nobody/feedback", feedback=[{"id": _made(stand), "label": "Adelie"}])


def _made(stand: Stand) -> str:
    return stand.journal.answers["ask/many"].prediction_id


def _catalogue(stand: Stand) -> None:
    """What the data plane tells of itself and its models."""
    for path in (
        "/ping", "/health", "/openapi.json", "/v2", "/v2/health/live", "/v2/health/ready", "/v2/models",
        f"/v2/models/{MODEL}", f"/v2/models/{MODEL}/ready", f"/v2/models/{MODEL}/openapi.json",
        f"/v2/models/{MODEL}/versions/1", f"/v2/models/{MODEL}/versions/1/ready", "/v2/models/nobody",
        f"/v2/models/{MODEL}/versions/7/ready",
    ):  # fmt: skip
        stand.ask(f"tell{path}", "GET", path)
    stand.ask("tell/index", "POST", "/v2/repository/index")
    stand.act("tell/index-ready", "/v2/repository/index", ready=True)
    stand.act("tell/index-bad", "/v2/repository/index", ready="yes")


def _labels(stand: Stand) -> None:
    birds = tables.records(tables.penguins())
    entries = [{"id": _made(stand), "row": row, "label": bird["species"]} for row, bird in enumerate(birds[:250])]
    stand.act("labels/json", FEEDBACK, feedback=entries)
    lines = [f"{_made(stand)},{row},{birds[row]['species']}" for row in range(250, 260)]
    stand.ask(
        "labels/csv", "POST", FEEDBACK, "\n".join(["id,row,label", *lines]).encode(), headers={"content-type": CSV}
    )


def _quarantine(stand: Stand) -> None:
    """Captures that nobody can read, and those that came twice."""
    prediction, error, label = (
        next(line for line in lines if f'"kind":"{kind}"'.encode() in line)
        for kind, lines in (
            ("prediction", stand.journal.captures["ask/records"]),
            ("error", stand.journal.captures["bad/cell"]),
            ("feedback", stand.journal.captures["labels/json"]),
        )
    )
    record = json.loads(prediction)
    changed = [
        record, {**record, "format_version": 2}, {**record, "model": "nobody"}, {**record, "version": 77},
        {**record, "time": "yesterday"}, {**record, "id": "7"}, {**record, "rows": 3}, {**record, "kind": "dream"},
        {**record, "predict": None}, {**record, "columns": {"year": ["x"] * record["rows"]}, "offset": 100},
        {**record, "variant": "shadow", "latency_ms": None}, {**json.loads(error), "status": "500"},
        {**json.loads(label), "row": -1}, {**json.loads(label), "label": None},
        {**json.loads(label), "model": "nobody"},
    ]  # fmt: skip
    lines = [*(json.dumps(one).encode() for one in changed), b"no json", b"[]", b"", prediction, error, label]
    stand.drop("quarantine/lines", "captures", b"\n".join(lines) + b"\n")


def _rollout(stand: Stand) -> None:
    """A second version, which a person lets go on as a challenger; it takes its share, and holds while it bakes."""
    lines = tables.penguins().splitlines(keepends=True)
    stand.wait(hours=30)
    stand.upload("penguins/second", f"datasets/{MODEL}/more.csv", b"".join([lines[0], *lines[1::2], *lines[2::2]]))
    stand.act("canary/approve", f"/models/{MODEL}/approve", version=2, reason="the same birds")
    for place in range(24):
        stand.act(f"canary/{place}", INVOCATIONS, dataframe_records=features(slice(place * 14, place * 14 + 14)))
    stand.act("canary/bad", INVOCATIONS, dataframe_records=[{"island": 7}])
    stand.act("canary/named", f"/v2/models/{MODEL}/versions/2/infer", inputs=_one(features(slice(3, 4))[0]))
    stand.deliver("canary", paced)
    stand.tick("canary/look", MODEL)


def _one(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [_tensor(name, [cell]) for name, cell in row.items()]


def _promotion(stand: Stand) -> None:
    """The challenger is promoted by a person before it baked, watched, and rolled back."""
    act, path = stand.act, f"/models/{MODEL}"
    act("promotion/promote", f"{path}/promote", version=2, reason="better")
    act("promotion/again", f"{path}/promote", version=2, reason="better")
    stand.ask("promotion/model", "GET", path)
    stand.tick("promotion/look", MODEL)
    act("promotion/no-reason", f"{path}/rollback")
    act("promotion/rollback", f"{path}/rollback", reason="worse")
    act("promotion/rollback-again", f"{path}/rollback", reason="worse")


def _shadow(stand: Stand) -> None:
    """A person asks for a run; the version that comes of it answers behind the first one, and is held against it."""
    run = stand.act("shadow/run", f"/models/{MODEL}/runs", reason="try again")
    assert run.status == 202, run.body
    stand.request("shadow/retrain", stand.journal.requests[-1][1])
    stand.act("shadow/on", f"/models/{MODEL}/shadow", version=3, reason="compare them")
    for place in range(6):
        stand.act(f"shadow/{place}", INVOCATIONS, dataframe_records=features(slice(place * 50, place * 50 + 50)))
    stand.deliver("shadow", paced)
    stand.wait(minutes=90)
    stand.tick("shadow/look", MODEL)
    stand.act("shadow/off", f"/models/{MODEL}/shadow", version=3, on=False, reason="seen")


def _changes(stand: Stand) -> None:
    """Everything else that a person may change, right and wrong."""
    act, path = stand.act, f"/models/{MODEL}"
    act("change/pin", f"{path}/pin", version=3, reason="for the auditors")
    act("change/pinned", f"/v2/models/{MODEL}/versions/3/infer", inputs=_one(features(slice(5, 6))[0]))
    act("change/unknown-version", f"{path}/promote", version=99, reason="typo")
    act("change/freeze", f"{path}/freeze", reason="holidays")
    act("change/frozen", f"{path}/promote", version=3, reason="now")
    act("change/unfreeze", f"{path}/freeze", on=False, reason="back")
    act("change/unknown-field", f"{path}/freeze", until="monday", reason="x")
    act("change/unpin", f"{path}/pin", version=3, on=False, reason="done")
    act("change/retire", f"{path}/retire", version=2, reason="old")
    act("change/approve-retired", f"{path}/approve", version=2, reason="again")
    act("change/reject", f"{path}/reject", version=3, reason="not needed")
    act("change/promote-rejected", f"{path}/promote", version=3, reason="after all")
    act("change/unknown-model", "/models/nobody/promote", reason="x")
    act("change/upload", "/uploads", model=MODEL, file="table.csv")
    act("change/upload-bad", "/uploads", model=MODEL, file="table.exe")
    stand.tick("change/look", MODEL)


def _questions(stand: Stand) -> None:
    """Everything that the control plane tells of a model."""
    runs = stand.ask("query/runs", "GET", f"/models/{MODEL}/runs")
    run = runs.json["runs"][-1]["run_id"]
    for path in (
        "", "/versions", "/versions/1", "/versions/1/report", f"/runs/{run}", "/drift", "/quality", "/summary",
        "/audit", f"/lineage/{_made(stand)}", "/versions/99", "/versions/one", "/runs/none", "/lineage/none",
    ):  # fmt: skip
        stand.ask(f"query{path}".replace(_made(stand), "id").replace(run, "id"), "GET", f"/models/{MODEL}{path}")
    stand.ask("query/page", "GET", f"/models/{MODEL}/audit", query={"limit": "2"})
    token = stand.journal.answers["query/page"].json["next"]
    stand.ask("query/next-page", "GET", f"/models/{MODEL}/audit", query={"limit": "2", "next": token})
    stand.ask("query/bad-page", "GET", f"/models/{MODEL}/audit", query={"limit": "0"})
    stand.ask("query/bad-token", "GET", f"/models/{MODEL}/audit", query={"next": "x"})
    stand.ask("query/history", "GET", f"/models/{MODEL}/quality", query={"limit": "5"})
    stand.ask("query/column", "GET", f"/models/{MODEL}/drift", query={"column": "island"})
    stand.ask("query/hours", "GET", f"/models/{MODEL}/summary", query={"hours": "1", "from": "2025-03-03T00:00:00Z"})
    stand.ask("query/bad-hours", "GET", f"/models/{MODEL}/summary", query={"from": "soon"})
    stand.ask("query/unknown", "GET", "/models/nobody")
    stand.ask("query/models", "GET", "/models")
    stand.ask("query/metrics", "GET", "/metrics")
    stand.ask("query/lineage-row", "GET", f"/models/{MODEL}/lineage/{_made(stand)}", query={"row": "12"})


def _exports(stand: Stand) -> None:
    since = ("--from", "2025-03-03T00:00:00Z", "--json")
    stand.run("export/captures", "export", "captures", MODEL, "--out", str(stand.folder / "captures"), *since)
    scores = ("--proba", "--out", str(stand.folder / "scores"))
    stand.run("export/scores", "export", "captures", "nests", *scores, *since)
    for model in (MODEL, "haze", "diabetes"):
        stand.run(f"export/{model}", "export", "baseline", model, "--out", str(stand.folder / model), "--json")


def _erasures(stand: Stand) -> None:
    """One row of a request, rehearsed first; then all of another one."""
    row = ("erase", MODEL, _made(stand), "--row", "3", "--json")
    stand.run("erase/rehearsed", *row, "--dry-run")
    stand.run("erase/row", *row, "--yes", "--reason", "asked to")
    small = stand.journal.answers["ask/split"].prediction_id
    stand.run("erase/whole", "erase", MODEL, small, "--json", "--yes", "--reason", "asked to")
    stand.ask("erase/lineage", "GET", f"/models/{MODEL}/lineage/{_made(stand)}", query={"row": "3"})
    stand.act("erase/bad", f"/models/{MODEL}/erasures", prediction="7", reason="x")
    stand.tick("erase/look")


def _end(stand: Stand) -> None:
    stand.act("end/retire", f"/models/{MODEL}/retire", reason="over")
    stand.act("end/ask", INVOCATIONS, dataframe_records=features(slice(0, 1)))
    stand.act("end/return", f"/models/{MODEL}/rollback", reason="not over")
    stand.ask("end/model", "GET", f"/models/{MODEL}")
    stand.ask("end/audit", "GET", f"/models/{MODEL}/audit", query={"limit": "100"})
    stand.ask("end/metrics", "GET", "/metrics")
