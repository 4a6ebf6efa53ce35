from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from modelloop.ids import uuid7
from modelloop_client.uploads import check_file

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("stack_file")

MODELS = {
    "models": [
        {"name": "penguins", "champion": 3, "challenger": None, "weight": 0, "updated_at": "2026-11-23T10:00:00Z"}
    ],
    "next": None,
}


def test_control_routes_are_signed_and_carry_no_key(api: Any, modelloop: Callable[..., Any]) -> None:
    api.on("GET /models", (200, MODELS))

    ended = modelloop("models", "--json")

    assert ended.code == 0
    assert ended.json["models"][0]["champion"] == 3
    signed = api.asked[0].headers
    assert signed["authorization"].startswith("AWS4-HMAC-SHA256 Credential=000000000000/")
    assert "/eu-west-1/execute-api/aws4_request" in signed["authorization"]
    assert "x-api-key" not in signed


def test_data_routes_carry_the_key_and_no_signature(api: Any, modelloop: Callable[..., Any]) -> None:
    api.on("POST /models/penguins/invocations", (200, {"predictions": ["Adelie"], "prediction_id": "p-1"}))

    ended = modelloop("predict", "penguins", "--set", "island=Biscoe", "--set", "bill=39.1", "--json")

    assert ended.json == {"model": "penguins", "predictions": [{"id": "p-1", "row": 0, "prediction": "Adelie"}]}
    asked = api.asked[0]
    assert asked.headers["x-api-key"] == "k-123"
    assert "authorization" not in asked.headers
    assert asked.json == {"dataframe_records": [{"island": "Biscoe", "bill": "39.1"}]}


@pytest.mark.parametrize(
    "text",
    [
        "island,bill\nBiscoe,39.1\nDream,\n",
        "\ufeffisland,bill\r\nBiscoe,39.1\r\nDream,\r\n",
        '[{"island": "Biscoe", "bill": "39.1"}, {"island": "Dream", "bill": ""}]',
        '{"island": "Biscoe", "bill": "39.1"}\n{"island": "Dream", "bill": ""}\n',
    ],
)
def test_rows_come_from_standard_input_in_any_form(api: Any, modelloop: Callable[..., Any], text: str) -> None:
    api.on("POST /models/m/invocations", (200, {"predictions": [1.0, 2.0], "prediction_id": "p-1"}))

    ended = modelloop("predict", "m", "--json", stdin=text)

    assert ended.code == 0, ended.err
    rows = api.asked[0].json["dataframe_records"]
    assert rows == [{"island": "Biscoe", "bill": "39.1"}, {"island": "Dream", "bill": ""}]


def test_columns_without_a_name_are_not_sent(api: Any, modelloop: Callable[..., Any]) -> None:
    api.on("POST /models/m/invocations", (200, {"predictions": [1.0, 2.0], "prediction_id": "p"}))

    ended = modelloop("predict", "m", "-", stdin=",x,y,,\n0,0.5,no,,\n1,1.5,yes,,\n")

    assert ended.code == 0, ended.err
    assert api.asked[0].json["dataframe_records"] == [{"x": "0.5", "y": "no"}, {"x": "1.5", "y": "yes"}]


def test_large_files_are_sent_in_several_requests(api: Any, modelloop: Callable[..., Any], tmp_path: Path) -> None:
    def predict(asked: Any) -> tuple[int, Any]:
        rows = asked.json["dataframe_records"]
        return 200, {"predictions": [float(row["x"]) for row in rows], "prediction_id": f"p-{rows[0]['x']}"}

    api.on("POST /models/m/invocations", predict)
    file = tmp_path / "rows.csv"
    file.write_text("x\n" + "".join(f"{number}\n" for number in range(1201)))

    found = modelloop("predict", "m", str(file), "--json").json["predictions"]

    assert [line["prediction"] for line in found] == [float(number) for number in range(1201)]
    assert found[-1] == {"id": "p-1000", "row": 200, "prediction": 1200.0}


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (["predict", "m"], "", "no rows"),
        (["predict", "m", "--set", "nonsense"], "", "NAME=VALUE"),
        (["predict", "m", "-"], "a,b\n1,2,3\n", "line 2 has more cells"),
        (["predict", "m", "-"], "a,b\n", "header and no rows"),
        (["predict", "m", "-"], '{"a": 1}\n{"a":\n', "line 2 is not JSON"),
        (["predict", "m", "-"], "[1, 2]", "holds no rows"),
        (["predict", "m", "/no/such/file"], "", "No such file"),
        (["feedback", "m", "p-1"], "", "a label needs a prediction"),
        (["feedback", "m", "--file", "-"], "", "there are no rows"),
        (["feedback", "m", "--file", "-"], "id,row,label\np-1,abc,x\n", "label 1: row 'abc' is not a whole number"),
        (["feedback", "m", "--file", "-"], "id,row,label\np-1,0,x\np-1,1,\n", "label 2 has no id or no label"),
        (["train", "/no/such/file.csv", "--model", "m"], "", "is not a file"),
        (["train", __file__, "--model", "m"], "", "test_commands.py cannot be trained on"),
        (["train", __file__, "--model", "Not_a_name"], "", "not a model name"),
    ],
)
def test_mistakes_are_one_line_with_advice_and_ask_nothing(
    api: Any, modelloop: Callable[..., Any], words: list[str], stdin: str, message: str
) -> None:
    ended = modelloop(*words, stdin=stdin)

    assert ended.code == 1
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert api.asked == []


def parquet_file() -> bytes:
    with TemporaryDirectory() as folder:
        duckdb.connect().execute(
            "COPY (SELECT * FROM (VALUES ('Zürich', 1.5::DOUBLE, DATE '2026-01-31', true), "
            "('Genève', 'nan', NULL, NULL)) "
            f"t(city, x, day, open)) TO '{folder}/t.parquet'"
        )
        return (Path(folder) / "t.parquet").read_bytes()


CSV = "city;x\nZürich;1.5\nGenève;\n"
TEXTS = [{"city": "Zürich", "x": "1.5"}, {"city": "Genève", "x": ""}]


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("t.csv", CSV.encode(), TEXTS),
        ("t.csv", CSV.encode("cp1252"), TEXTS),
        ("t.csv", CSV.encode("utf-16"), TEXTS),
        ("t.csv", ("sep=;\r\n" + CSV).encode("utf-8-sig"), TEXTS),
        ("t.tsv", CSV.replace(";", "\t").encode(), TEXTS),
        ("t.txt", CSV.replace(";", "|").encode(), TEXTS),
        ("t.csv.gz", gzip.compress(CSV.encode(), mtime=0), TEXTS),
        ("t.csv.gz", gzip.compress(CSV.encode()[:20], mtime=0) + gzip.compress(CSV.encode()[20:], mtime=0), TEXTS),
        ("t.jsonl", b'{"x": NaN}\n{"x": 2}\n', [{"x": None}, {"x": 2}]),
        ("t.json", b'[{"city": "a", "x": NaN}]', [{"city": "a", "x": None}]),
        ("t.parquet", parquet_file(), [
            {"city": "Zürich", "x": 1.5, "day": "2026-01-31", "open": True},
            {"city": "Genève", "x": None, "day": None, "open": None},
        ]),
    ],
)  # fmt: skip
def test_a_file_that_can_be_trained_on_can_be_predicted(
    api: Any, modelloop: Callable[..., Any], tmp_path: Path, name: str, content: bytes, rows: list[dict[str, Any]]
) -> None:
    api.on("POST /models/m/invocations", (200, {"predictions": [1.0] * len(rows), "prediction_id": "p-1"}))
    file = tmp_path / name
    file.write_bytes(content)

    ended = modelloop("predict", "m", str(file))

    assert ended.code == 0, ended.err
    assert api.asked[0].json == {"dataframe_records": rows}
    check_file(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8bno", "damaged gzip"), (b"PAR1no", "Parquet file is damaged"), (b"PK\x03\x04xl", "Excel workbook"),
        (b'{"x": Infinity}', "Infinity is not a number"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_with_the_reason(
    api: Any, modelloop: Callable[..., Any], tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "rows"
    file.write_bytes(content)
    ended = modelloop("predict", "m", str(file))
    assert ended.code == 1
    assert said in ended.err
    assert api.asked == []


def test_unseen_categories_are_told(api: Any, modelloop: Callable[..., Any]) -> None:
    answer = {"predictions": [1.0], "prediction_id": "p-1", "parameters": {"unseen": {"island": 1}}}
    api.on("POST /models/m/invocations", (200, answer))
    assert "island: 1 row with a category that the model has not learned" in modelloop("predict", "m", "-s", "a=b").err


@pytest.mark.parametrize(
    "words", [["predict", "m"], ["feedback", "m", "--file"], ["train", __file__ + ".csv", "--model", "m", "--spec"]]
)
def test_a_file_in_an_unknown_alphabet_is_refused(
    s3: Any, modelloop: Callable[..., Any], tmp_path: Path, words: list[str]
) -> None:
    del s3
    file = tmp_path / "cyrillic.csv"
    file.write_bytes(b"\xe3\xee\xf0\xee\xe4\n\xcc\xee\xf1\xea\xe2\xe0\n")

    ended = modelloop(*[word.replace(__file__ + ".csv", str(file)) for word in words], str(file))

    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "not UTF-8" in ended.err


@pytest.mark.parametrize("words", [["audit", "a/b"], ["predict", "a/b", "--schema"], ["runs", "a/b"]])
def test_a_name_never_becomes_a_path(api: Any, modelloop: Callable[..., Any], words: list[str]) -> None:
    modelloop(*words)
    assert api.asked
    assert all("a%2Fb" in asked.path for asked in api.asked)


def test_a_refusal_shows_the_message_of_the_api(api: Any, modelloop: Callable[..., Any]) -> None:
    body = {
        "error": "expected a number, got 'heavy'", "error_code": "INVALID_PARAMETER_VALUE",
        "message": "expected a number, got 'heavy'", "field": "mass", "row": 0,
    }  # fmt: skip
    api.on("POST /models/m/invocations", (422, body))

    plain = modelloop("predict", "m", "--set", "mass=heavy")
    for_programs = modelloop("predict", "m", "--set", "mass=heavy", "--json")

    assert plain.code == for_programs.code == 1
    assert "expected a number, got 'heavy'. Fix column mass in row 0 (the first row is 0)" in plain.err
    document = json.loads(for_programs.err)
    assert (document["status"], document["field"], document["row"]) == (422, "mass", 0)
    assert document["error_code"] == "INVALID_PARAMETER_VALUE"


def test_reads_are_repeated_when_the_api_asks_for_it_and_writes_are_not(
    api: Any, modelloop: Callable[..., Any]
) -> None:
    api.on("GET /models", (503, {"error": "later"}), (429, {"error": "slower"}), (200, MODELS))
    api.on("POST /models/m/rollback", (503, {"error": "later"}))

    assert modelloop("models", "--json").code == 0
    assert len(api.asked) == 3
    assert modelloop("rollback", "m", "--reason", "bad figures").code == 1
    assert len(api.asked) == 4


def test_lists_are_read_page_by_page_up_to_the_limit(api: Any, modelloop: Callable[..., Any]) -> None:
    def page(asked: Any) -> tuple[int, Any]:
        start = int(asked.query.get("next", 0))
        size = int(asked.query["limit"])
        return 200, {"versions": [{"version": n} for n in range(start, start + size)], "next": str(start + size)}

    api.on("GET /models/m/versions", page)

    found = modelloop("versions", "m", "--limit", "250", "--json").json["versions"]

    assert [one["version"] for one in found] == list(range(250))
    assert [asked.query["limit"] for asked in api.asked] == ["100", "100", "50"]


@pytest.mark.parametrize("action", ["promote", "approve", "reject", "pin", "shadow", "retire"])
def test_changes_name_the_version_and_the_reason(api: Any, modelloop: Callable[..., Any], action: str) -> None:
    api.on(f"POST /models/m/{action}", (200, {"revision": 8}))

    ended = modelloop(action, "m", "4", "--reason", "better on the new data", "--json")

    assert ended.json == {"revision": 8}
    body = api.asked[0].json
    assert body.pop("on", True) is True
    assert body == {"version": 4, "reason": "better on the new data"}


@pytest.mark.parametrize("action", ["pin", "shadow", "freeze"])
def test_switches_can_be_undone(api: Any, modelloop: Callable[..., Any], action: str) -> None:
    api.on(f"POST /models/m/{action}", (200, {"revision": 8}))
    version = [] if action == "freeze" else ["4"]

    modelloop(action, "m", *version, "--off", "--reason", "seen enough")

    body = api.asked[0].json
    assert body.pop("version", 4) == 4
    assert body == {"on": False, "reason": "seen enough"}


def test_a_change_without_a_reason_is_refused(api: Any, modelloop: Callable[..., Any]) -> None:
    assert modelloop("promote", "m", "4").code == 2
    assert api.asked == []


def test_a_conflict_says_where_to_look(api: Any, modelloop: Callable[..., Any]) -> None:
    api.on(
        "POST /models/m/promote", (409, {"error": "the pointer is at revision 9", "error_code": "RESOURCE_CONFLICT"})
    )

    ended = modelloop("promote", "m", "4", "--reason", "x")

    assert ended.code == 1
    assert "the pointer is at revision 9" in ended.err
    assert "modelloop audit" in ended.err


def test_feedback_is_sent_from_a_file_with_labels_as_they_stand_there(
    api: Any, modelloop: Callable[..., Any], tmp_path: Path
) -> None:
    example = {"entry": 1, "id": "p-1", "row": 1, "label": "3.50", "outcome": "new_class"}
    api.on("POST /models/m/feedback", (202, {"accepted": 2, "unreadable": 0, "new_class": 1, "examples": [example]}))
    file = tmp_path / "labels.csv"
    file.write_text("id,row,label\np-1,0,Adelie\np-1,1,3.50\n")

    ended = modelloop("feedback", "m", "--file", str(file), "--json")

    assert ended.json == {"accepted": 2, "unreadable": 0, "new_class": 1, "examples": [example], "sent": 2}
    assert api.asked[0].json["feedback"] == [
        {"id": "p-1", "row": 0, "label": "Adelie"},
        {"id": "p-1", "row": 1, "label": "3.50"},
    ]


def test_feedback_says_what_was_refused_and_what_is_new(api: Any, modelloop: Callable[..., Any]) -> None:
    example = {"entry": 0, "id": "p-1", "row": 2, "label": "many", "outcome": "unreadable"}
    answer = {"accepted": 0, "unreadable": 1, "new_class": 0, "examples": [example]}
    api.on("POST /models/m/feedback", (202, answer))

    shown = modelloop("feedback", "m", "p-1", "many", "--row", "2").out

    assert "0 of 1 labels accepted" in shown
    assert "1 cannot be read and were refused" in shown
    assert "unreadable: 'many' for row 2 of p-1" in shown


def test_labels_of_many_hours_are_sent_in_parts_that_the_api_takes(
    api: Any, modelloop: Callable[..., Any], tmp_path: Path
) -> None:
    api.on("POST /models/m/feedback", (202, {"accepted": 1}))
    made = [uuid7(3_600_000 * (490_000 + at * 7 % 450)) for at in range(450)]
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(["id,label", *(f"{identifier},x" for identifier in made)]))

    modelloop("feedback", "m", "--file", str(file))

    sent = [[item["id"] for item in asked.json["feedback"]] for asked in api.asked]
    assert list(map(len, sent)) == [200, 200, 50]
    assert [identifier for part in sent for identifier in part] == sorted(made)


def test_probabilities_explanations_and_intervals_are_asked_for_and_shown(
    api: Any, modelloop: Callable[..., Any]
) -> None:
    explanation = {"base": 0.5, "class": "b", "link": "logit", "contributions": {"mass": 0.25}}
    answer = {
        "predictions": [[0.125, 0.875]], "classes": ["a", "b"], "prediction_id": "p-1",
        "intervals": [[1.5, 2.5]], "explanations": [explanation],
    }  # fmt: skip
    api.on("POST /models/m/invocations", (200, answer))
    words = ["predict", "m", "--set", "mass=1", "--proba", "--explain", "--interval", "0.9"]

    line = modelloop(*words, "--json").json["predictions"][0]
    shown = modelloop(*words).out

    assert api.asked[0].json["params"] == {"predict_method": "predict_proba", "explain": True, "interval": 0.9}
    assert line["prediction"] == {"a": 0.125, "b": 0.875}
    assert (line["interval"], line["explanation"]) == ([1.5, 2.5], explanation)
    assert "1.5 to 2.5" in shown
    assert "mass 0.25" in shown


def test_shap_values_are_asked_for(api: Any, modelloop: Callable[..., Any]) -> None:
    api.on("POST /models/m/invocations", (200, {"predictions": [1.0], "prediction_id": "p-1"}))
    modelloop("predict", "m", "--set", "mass=1", "--shap")
    assert api.asked[0].json["params"] == {"explain": "shap"}


@pytest.mark.parametrize("word", ["Adelie", "3", "3.50", "007", "nan", "1e3", "True"])
def test_labels_are_sent_as_they_stand_because_the_api_knows_the_classes(
    api: Any, modelloop: Callable[..., Any], word: str
) -> None:
    api.on("POST /models/m/feedback", (202, {"accepted": 1}))

    modelloop("feedback", "m", "p-1", word, "--row", "2")

    assert api.asked[0].json == {"feedback": [{"id": "p-1", "row": 2, "label": word}]}


def test_drift_names_the_most_shifted_column_first(api: Any, modelloop: Callable[..., Any]) -> None:
    columns = [
        {"name": "island", "distance": 0.02, "psi": 0.01, "p_value": 0.7, "threshold": 0.1, "drifted": False},
        {"name": "mass", "distance": 0.61, "psi": 4.2, "p_value": 1e-30, "threshold": 0.1, "drifted": True},
    ]
    verdict = {"model": "m", "version": 3, "status": "drift", "rows": 900, "columns": columns, "window": {}}
    api.on("GET /models/m/drift", (200, verdict))

    shown = modelloop("drift", "m").out

    assert "m version 3, data: drifted, 900 rows" in shown
    assert shown.index("mass") < shown.index("island")
    assert modelloop("drift", "m", "--json").json == verdict
    assert "Joint change" not in shown


def test_drift_names_the_pairs_that_changed_together_or_why_none_was_tested(
    api: Any, modelloop: Callable[..., Any]
) -> None:
    pair = {"columns": ["mass", "(prediction)"], "distance": 0.31, "threshold": 0.1, "p_value": 1e-9}
    tests = {
        "Joint change: 1 of 78 pairs of columns, worst first": {"tested": 78, "found": 1, "pairs": [pair]},
        "Joint change: none in 1 pair of columns": {"tested": 1, "found": 0, "pairs": []},
        "Joint change not tested: too few captured rows": {
            "tested": 0, "found": 0, "pairs": [], "reason": "too few captured rows",
        },
    }  # fmt: skip
    for told, joint in tests.items():
        verdict = {"model": "m", "version": 3, "status": "ok", "rows": 900, "joint": {"reason": None} | joint}
        api.on("GET /models/m/drift", (200, verdict))
        shown = modelloop("drift", "m").out
        assert told in shown
        assert ("mass and (prediction)" in shown) == bool(joint["pairs"])


def test_the_estimate_says_what_it_cannot_see(api: Any, modelloop: Callable[..., Any]) -> None:
    estimate = {"available": True, "metric": "mae", "value": 4.2, "low": 4.0, "high": 4.4, "rows": 900,
                "reason": None, "cannot_see": "a change of concept"}  # fmt: skip
    api.on("GET /models/m/quality", (200, {"model": "m", "version": 3, "status": "ok", "estimate": estimate}))
    shown = " ".join(modelloop("quality", "m").out.split())
    assert "mae 4.2 (4 to 4.4), from 900 rows; it cannot see a change of concept" in shown


def test_drift_is_shown_over_time_and_for_one_column(api: Any, modelloop: Callable[..., Any]) -> None:
    point = {"updated_at": "2026-01-01T10:05:00.000Z", "version": 3, "status": "drift", "rows": 900,
             "drifted": ["mass"], "worst": {"name": "mass", "distance": 0.4321, "threshold": 0.1},
             "column": {"name": "island", "distance": 0.0125, "threshold": 0.1}}  # fmt: skip
    bins = {"labels": ["Biscoe", "Dream"], "baseline": [30, 10], "window": [0, 80]}
    column = {"name": "island", "distance": 0.0125, "threshold": 0.1, "bins": bins,
              "rows": {"baseline": 40, "window": 80}}  # fmt: skip
    api.on(
        "GET /models/m/drift",
        lambda asked: (
            200,
            {"model": "m"}
            | ({"column": column} if "column" in asked.query else {})
            | ({"history": [point], "next": None} if "limit" in asked.query else {}),
        ),
    )

    over_time = modelloop("drift", "m", "--history", "5").out
    one = modelloop("drift", "m", "--column", "island").out
    both = modelloop("drift", "m", "--column", "island", "--history", "5").out

    assert "0.4321" in over_time
    assert "2026-01-01T10:05:00" in over_time
    assert ["Biscoe", "75.0%", "0.0%"] in [line.replace("│", " ").split() for line in one.splitlines()]
    assert "0.0125" in both
    assert "0.4321" not in both
    assert [asked.query for asked in api.asked] == [
        {"limit": "5"}, {"column": "island"}, {"column": "island", "limit": "5"},
    ]  # fmt: skip


def test_quality_tells_the_labels_that_cannot_be_used(api: Any, modelloop: Callable[..., Any]) -> None:
    labels = {"received": 320, "repeated": 0, "pending": 0, "unknown": 3, "new_class": 11}
    labels |= {"unreadable": 6, "other_model": 4}
    reason = "20 of 320 labels cannot be used, more than 5 %"
    verdict = {
        "model": "m", "version": 1, "status": "insufficient_data", "rows": 300, "labels": labels, "reasons": [reason]
    }  # fmt: skip
    api.on("GET /models/m/quality", (200, verdict))

    shown = modelloop("quality", "m").out

    assert (
        "3 without a known prediction, 4 of another model's predictions, 11 of no known class, 6 unreadable"
        in " ".join(shown.split())
    )
    assert reason in " ".join(shown.split())


def test_quality_is_shown_over_time(api: Any, modelloop: Callable[..., Any]) -> None:
    point = {"updated_at": "2026-01-01T10:05:00.000Z", "version": 3, "status": "ok", "rows": 200, "coverage": 0.1}
    history = [point | {"metrics": {"rmse": {"value": 51.25}}}, point | {"metrics": {}}]
    api.on("GET /models/m/quality", (200, {"model": "m", "history": history, "next": None}))

    shown = modelloop("quality", "m", "--history", "2").out

    assert shown.count("2026-01-01T10:05:00") == 2
    assert "51.25" in shown
    assert modelloop("quality", "m", "--history", "101").code == 2


def test_lineage_looks_in_every_model(api: Any, modelloop: Callable[..., Any]) -> None:
    api.on("GET /models", (200, {"models": [{"name": "a"}, {"name": "b"}]}))
    api.on("GET /models/b/lineage/p-9", (200, {"model": "b", "version": 2}))

    assert modelloop("lineage", "p-9", "--json").json == {"model": "b", "version": 2}
    assert modelloop("lineage", "p-0", "--json").code == 1


def test_lineage_is_shown_from_the_prediction_to_the_packages_and_the_earlier_versions(
    api: Any, modelloop: Callable[..., Any]
) -> None:
    base = {"uri": "s3://data/t.csv", "version_id": "v7", "digest": "ba5e"}
    document = {
        "prediction": "p-9", "model": "m", "version": 3, "variant": "champion", "run_id": "r3", "cause": "drift",
        "rows": [{"offset": 0, "predict": ["a", "b"]}, {"offset": 2, "predict": ["c", "d", "e", "f"]}], "others": [],
        "dataset": {"uri": "s3://artifacts/derived/m/x.csv", "version_id": None, "digest": "d", "base": base,
                    "labelled": 250},
        "run": {"spec_digest": "5bec", "request_id": "asked-1"}, "spec": {"target": "y", "ignore": [], "metric": None},
        "code": "c0de", "lock": "10c4", "environment": {"python": "3.13.1", "machine": "x86_64"},
        "estimator": {"class": "sklearn.X"},
        "started_from": {"version": 2, "run_id": "r2"},
        "ancestors": [{"version": 2, "run_id": "r2", "cause": "upload", "dataset": base}],
    }  # fmt: skip
    api.on("GET /models/m/lineage/p-9", (200, document))

    shown = modelloop("lineage", "p-9", "-m", "m").out

    for text in (
        "row 0: a", "row 4: e, 1 more", "s3://data/t.csv, version v7 and 250 labelled rows", "c0de", "10c4", "5bec",
        "target: y", "the settings of version 2", "drift (asked-1)", "r2", "dataset SHA-256", "base table SHA-256",
        "spec SHA-256", "started from", "3.13.1, x86_64",
    ):  # fmt: skip
        assert text in shown
    assert "ignore" not in shown


def test_lineage_of_one_row_goes_as_far_as_the_rows_do(api: Any, modelloop: Callable[..., Any]) -> None:
    refusal = {"error": "the prediction has no row 7: the first one is 0", "field": "row"}
    api.on("GET /models/m/lineage/p-9", (404, refusal))

    answer = modelloop("lineage", "p-9", "-m", "m", "--row", "7", "--json")

    assert api.asked[0].query == {"row": "7"}
    assert answer.code == 1
    assert "no row 7" in answer.err


def test_an_answer_that_is_not_json_is_one_plain_line(api: Any, modelloop: Callable[..., Any]) -> None:
    api.on("GET /models", (502, b"<html>Bad gateway</html>"))

    ended = modelloop("models")

    assert ended.code == 1
    assert "502" in ended.err


def test_a_stack_that_does_not_run_is_one_plain_line(
    stack_file: Path, modelloop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = json.loads(stack_file.read_text())
    stack_file.write_text(json.dumps(facts | {"api_url": "http://127.0.0.1:9/v1"}))
    down = modelloop("models")
    stack_file.write_text("{}")
    damaged = modelloop("models")
    monkeypatch.setenv("MODELLOOP_STACK_FILE", str(tmp_path / "none.json"))
    absent = modelloop("models")

    assert (down.code, damaged.code, absent.code) == (1, 1, 1)
    assert "nothing answers at http://127.0.0.1:9" in down.err
    assert "is not a description of a stack" in damaged.err
    assert "does not exist" in absent.err
    assert all("modelloop up" in ended.err for ended in (down, damaged, absent))
