"""Tables of every format and models of every task, each trained once: what is stored of them, and what is refused."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from tests.comparison import tables
from tests.comparison.stories.haze import paced

if TYPE_CHECKING:
    from tests.comparison.stand import Stand

TUMOURS = (
    b"""target: benign
estimators: [linear, decision_tree]
params: {decision_tree: {max_depth: 4}}
search: {trials: 5}
metric: brier
threshold: 0.4
holdout: 0.25
monitoring: {capture_percent: 40}
"""
    + tables.MISSING
)
NESTS = b"""# every kind of key that a table can have
target: Species
time_column: Date Egg
ignore: [Sample Number, Individual ID, Comments, studyName, Region, Stage]
protected: [Sex]
mask: [Body Mass (g)]
missing: {only: ["", NA, "."]}
estimators: [linear]
params: {linear: {C: 0.5}}
promotion: {policy: manual}
retrain: {on_drift: false}
"""
DIABETES = (
    b"""target: progression
estimators: [linear, hist_gradient_boosting]
params: {hist_gradient_boosting: {max_iter: 15, max_leaf_nodes: 6}}
promotion: {policy: shadow, bake_minutes: 5}
"""
    + tables.MISSING
)
WINE = (
    b"""columns: {%s}
classes: [first, second, third]
outputs: {predict_proba: probabilities}
target: cultivar
"""
    + tables.MISSING
)


def tell(stand: Stand) -> None:
    """Upload all of them, and ask each model that serves."""
    _diabetes(stand)
    _tumours(stand)
    _nests(stand)
    _wine(stand)
    _refused(stand)


def _diabetes(stand: Stand) -> None:
    """A regression with intervals, from a packed table; the gate refuses a successor, the next one is its shadow."""
    stand.put("diabetes/spec", "datasets/diabetes/model.yaml", DIABETES)
    stand.upload("diabetes", "datasets/diabetes/diabetes.csv.gz", tables.diabetes())
    cells = {"age": 59, "sex": 2, "bmi": 32.1, "bp": 101, "tc": 157, "ldl": 93.2, "hdl": 38, "tch": 4, "ltg": 4.8598}
    rows: list[dict[str, Any]] = [{**cells, "glu": 87}, {**cells, "glu": None, "age": 1e6}]
    document = {"dataframe_records": rows, "params": {"explain": True, "interval": 0.9}}
    stand.act("diabetes/interval", "/models/diabetes/invocations", **document)
    stand.act("diabetes/no-interval", "/models/diabetes/invocations", dataframe_records=rows, params={"interval": 0.42})
    names = list(rows[0])
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [rows[0][name]]} for name in names]
    asked = {"inputs": tensors, "parameters": {"interval": 0.8, "explain": True}, "id": "mine"}
    stand.act("diabetes/oip", "/v2/models/diabetes/infer", **asked)
    stand.act("diabetes/no-proba", "/v2/models/diabetes/infer", inputs=tensors, outputs=[{"name": "predict_proba"}])
    stand.ask("diabetes/metadata", "GET", "/v2/models/diabetes")
    stand.ask("diabetes/document", "GET", "/v2/models/diabetes/openapi.json")
    lines = gzip.decompress(tables.diabetes()).splitlines(keepends=True)
    stand.upload("diabetes/second", "datasets/diabetes/fewer.csv", b"".join([lines[0], *lines[:30:-1]]))
    stand.upload("diabetes/third", "datasets/diabetes/turned.csv", b"".join([lines[0], *lines[:0:-1]]))
    stand.act("diabetes/approve", "/models/diabetes/approve", version=2, reason="the same rows")
    rows = [
        {name: cell for name, cell in row.items() if name != "progression"} for row in tables.records(b"".join(lines))
    ]
    for place in range(6):
        stand.act(
            f"diabetes/{place}", "/models/diabetes/invocations", dataframe_records=rows[place * 70 : place * 70 + 70]
        )
    identifier = stand.journal.answers["diabetes/interval"].prediction_id
    entries = [{"id": identifier, "row": row, "label": label} for row, label in enumerate((151, 75.5))]
    stand.act("diabetes/labels", "/models/diabetes/feedback", feedback=entries)
    stand.deliver("diabetes", paced)
    stand.wait(minutes=30)
    stand.tick("diabetes/look", "diabetes")


def _tumours(stand: Stand) -> None:
    """A binary model of two families and random draws, with a threshold; features of some requests are captured."""
    stand.put("tumours/spec", "datasets/tumours/model.yaml", TUMOURS)
    stand.upload("tumours", "datasets/tumours/tumours.jsonl", tables.tumours())
    rows = [json.loads(line) for line in tables.tumours().splitlines()[:12]]
    cells = [{name: cell for name, cell in row.items() if name != "benign"} for row in rows]
    for place, row in enumerate(cells):
        stand.act(f"tumours/{place}", "/models/tumours/invocations", dataframe_records=[row], params={"explain": True})
    stand.ask("tumours/metadata", "GET", "/v2/models/tumours")
    stand.deliver("tumours")


def _nests(stand: Stand) -> None:
    """A model of three classes that is split by time, hides a column, and waits for a person to promote it."""
    stand.put("nests/spec", "datasets/nests/model.yaml", NESTS)
    stand.upload("nests", "datasets/nests/nests.csv", tables.nests())
    stand.ask("nests/not-yet", "GET", "/v2/models/nests/ready")
    stand.act("nests/promote", "/models/nests/promote", version=1, reason="looked at")
    asked = stand.ask("nests/metadata", "GET", "/v2/models/nests").json["inputs"]
    names = [column["name"] for column in asked]
    rows = [{name: row[name] for name in names} for row in tables.records(tables.nests())[:40]]
    stand.act("nests/rows", "/models/nests/invocations", dataframe_records=rows)
    stand.act("nests/missing-column", "/models/nests/invocations", dataframe_records=[{"Island": "Biscoe"}])
    stand.deliver("nests")


def _wine(stand: Stand) -> None:
    """A model that was fitted elsewhere and came as ONNX, with labelled rows to examine it."""
    matrix, labels = tables.wines()
    names = [f"c{place}" for place in range(len(matrix[0]))]
    spec = WINE % ", ".join(f"{name}: number" for name in names).encode()
    classes = ("first", "second", "third")
    rows = [
        {**dict(zip(names, cells, strict=True)), "cultivar": classes[label]}
        for cells, label in zip(matrix, labels, strict=True)
    ]
    stand.put("wine/spec", "models/wine/model.yaml", spec)
    stand.put("wine/reference", "models/wine/reference.csv", tables.text(rows))
    stand.upload("wine", "models/wine/wine.onnx", _forest(matrix, labels))
    cells = [{name: row[name] for name in names} for row in rows[::60]]
    stand.act("wine/rows", "/models/wine/invocations", dataframe_records=[*cells, {**cells[0], "c3": None}])
    stand.act("wine/explain", "/models/wine/invocations", dataframe_records=cells, params={"explain": True})
    stand.ask("wine/metadata", "GET", "/v2/models/wine")
    stand.deliver("wine")


def _forest(matrix: list[list[float]], labels: list[int]) -> bytes:
    """Return a forest of every other row's making: comparisons and short sums, so every machine answers alike."""
    import numpy as np  # noqa: PLC0415  after the clocks are replaced, like all that the functions use
    from skl2onnx import to_onnx  # noqa: PLC0415
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415

    cells = np.array(matrix, np.float32)
    forest = RandomForestClassifier(8, max_depth=3, random_state=0).fit(cells[::2], labels[::2])
    options = {id(forest): {"zipmap": False}}
    content: bytes = to_onnx(forest, cells[:1], options=options, target_opset=18, name="wine").SerializeToString()
    return content


def _refused(stand: Stand) -> None:
    """What never becomes a version: bad tables, a bad spec, a bad model, and a target that cannot be learned."""
    stand.put("refused/spec", "datasets/refused/model.yaml", b"target: species\n" + tables.MISSING)
    lines = tables.penguins().splitlines(keepends=True)
    stand.upload("refused/small", "datasets/refused/small.csv", b"".join(lines[::60]))
    stand.upload("refused/constant", "datasets/refused/constant.csv", b"".join(lines[:120]))
    stand.upload("refused/binary", "datasets/refused/binary.csv", bytes(range(256)) * 8)
    stand.put("refused/unknown-key", "datasets/refused/model.yaml", b"target: species\nestimator: [linear]\n")
    stand.upload("refused/by-spec", "datasets/refused/penguins.csv", tables.penguins())
    stand.upload("refused/onnx", "models/refused/bad.onnx", b"no model")
    stand.upload("refused/ignored", "datasets/refused/_notes.csv", b"a,b\n1,2\n")
    stand.put(
        "chance/spec",
        "datasets/chance/model.yaml",
        b"target: year\ntask: regression\nestimators: [linear]\n" + tables.MISSING,
    )
    stand.upload("chance", "datasets/chance/penguins.csv", _by_chance())


def _by_chance() -> bytes:
    """Return the penguins with their years drawn anew: nothing to learn, so the gate refuses it."""
    rows: list[dict[str, Any]] = tables.records(tables.penguins())
    return tables.text([{**row, "year": 2000 + place * 7919 % 97} for place, row in enumerate(rows)])
