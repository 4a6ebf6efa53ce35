"""What a model's page is made of in tests: answers of the API about one model, which tests change where they differ."""

from __future__ import annotations

from typing import Any

from modelloop import clock

STAMP = clock.later(clock.now(), minutes=-5)  # the page asks for older verdicts until it knows a day
MODEL = {
    "name": "penguins", "champion": 1, "challenger": 2, "weight": 10.0, "shadow": None, "previous": None, "pins": [],
    "frozen": False, "policy": "auto", "updated_at": STAMP, "quality": {"status": "ok", "updated_at": STAMP},
    "drift": {"status": "drift", "drifted": 1, "updated_at": STAMP},
    "run": {"run_id": "r-2", "state": "RUNNING", "stage": "fitting", "percent": 40, "cause": "upload",
            "updated_at": STAMP},
    "judge": {"updated_at": STAMP, "judged": [
        {"kind": "canary", "action": "hold", "reasons": ["not sure yet"],
         "checks": [{"name": "errors", "outcome": "passed", "detail": "no more than the champion"}]}]},
    "action": "release", "who": "trainer", "why": "gate",
}  # fmt: skip
BINS: dict[str, Any] = {
    "labels": ["below 3,300", "3,300", "3,800", "4,500", "missing"], "baseline": [50, 50, 50, 49, 1],
    "window": [560, 140, 100, 99, 1],
}  # fmt: skip
COLUMN: dict[str, Any] = {
    "psi": 0.01,
    "cdf_gap": 0.02,
    "p_value": 0.6,
    "threshold": 0.15,
    "missing": 0.0,
    "unseen": 0.0,
    "bins": BINS,
}
DRIFT = {
    "model": "penguins", "version": 1, "status": "drift", "rows": 900, "updated_at": STAMP,
    "window": {"from": clock.later(STAMP, minutes=-60), "to": STAMP},
    "reasons": ["body_mass_g: values drifted, distance 0.549 against a threshold of 0.150"],
    "columns": [COLUMN | {"name": "body_mass_g", "distance": 0.549, "drifted": True},
                COLUMN | {"name": "<b>island</b>", "distance": 0.03, "drifted": False},
                COLUMN | {"name": "flipper_mm", "distance": 0.02, "drifted": False, "bins": None}],
    "prediction": None,
}  # fmt: skip
LATENCY = {"p50": 0.8, "p99": 4.4}
ONE = {"requests": 76, "rows": 900, "errors": 3, "latency_ms": LATENCY,
       "cost": {"per_1000_predictions": 0.00412, "total": 0.000313}}  # fmt: skip
DAY = {"from": f"{clock.later(STAMP, minutes=-23 * 60)[:13]}:00:00.000Z",
       "to": f"{clock.later(STAMP, minutes=60)[:13]}:00:00.000Z"}  # fmt: skip
HOURS = [{"from": f"{clock.later(STAMP, minutes=-60 * ago)[:13]}:00:00.000Z", "rows": rows, "errors": 0}
         for ago, rows in ((20, 120), (6, 260), (5, 180), (1, 240), (0, 100))]  # fmt: skip
SUMMARY = ONE | DAY | {"model": "penguins", "hours": HOURS,
                       "versions": [ONE | {"version": 1, "variants": {"champion": ONE}}]}  # fmt: skip
QUALITY = {
    "status": "ok", "rows": 200, "coverage": 0.22, "reasons": [],
    "metrics": {"accuracy": {"value": 0.97, "low": 0.94, "high": 0.99, "holdout": {"value": 0.98}}},
    "estimate": {"available": True, "metric": "accuracy", "value": 0.961, "low": 0.952, "high": 0.973, "rows": 900},
    "labels": {
        "received": 233, "repeated": 2, "pending": 7, "unknown": 3, "other_model": 4, "new_class": 11, "unreadable": 6,
    },
    "slices": [{"column": "sex", "value": "female", "rows": 90, "metrics": {"accuracy": {"value": 0.912}}}],
}  # fmt: skip
TIMES = [clock.later(STAMP, minutes=minute - 60) for minute in range(0, 65, 5)]
HISTORY = [
    {"updated_at": at, "version": 1, "status": "drift" if turn > 9 else "ok", "rows": 900,
     "drifted": ["body_mass_g"] if turn > 9 else [],
     "worst": {"name": "body_mass_g", "distance": 0.03 + 0.045 * turn, "threshold": 0.15},
     "column": {"name": "body_mass_g", "distance": 0.03 + 0.045 * turn, "threshold": 0.15, "drifted": turn > 9}}
    for turn, at in enumerate(TIMES)
][::-1]  # fmt: skip
PAST_QUALITY = [
    {"updated_at": at, "version": 1, "status": "ok", "rows": 200, "coverage": 0.22,
     "metrics": {"accuracy": {"value": 0.98 - 0.001 * turn, "low": 0.95, "high": 0.99, "holdout": {"value": 0.98}}}}
    for turn, at in enumerate(TIMES)
][::-1]  # fmt: skip
FLIPPERS = {
    "name": "flipper_mm", "distance": 0.02, "threshold": 0.15, "rows": {"baseline": 275, "window": 900},
    "mean": {"baseline": 200.9, "window": 201.5},
    "bins": {"labels": ["≤ 190", "≤ 200", "> 200"], "baseline": [90, 95, 90], "window": [300, 310, 290]},
}  # fmt: skip
VERSIONS = [
    {"version": 2, "role": "challenger", "family": "blend", "decision": "release", "created_at": STAMP,
     "members": [{"weight": 0.6, "family": "linear"}, {"weight": 0.4, "family": "hist_gradient_boosting"}],
     "metrics": {"log_loss": {"value": 0.09}}, "reasons": ["not worse than the champion"]},
    {"version": 1, "role": "champion", "family": "linear", "decision": "release", "created_at": STAMP,
     "metrics": {"log_loss": {"value": 0.11}}, "reasons": []},
]  # fmt: skip
RUN = {"run_id": "r-2", "state": "RUNNING", "stage": "fitting", "percent": 40, "cause": "upload", "reason": None,
       "created_at": STAMP}  # fmt: skip


def seed(api: Any) -> None:
    model = dict(MODEL)

    def promote(asked: Any) -> tuple[int, Any]:
        model.update(champion=asked.json["version"], challenger=None, weight=0.0, previous=1, action="promote")
        return 200, {"model": "penguins"}

    api.on("GET /models", lambda _: (200, {"models": [model], "next": None}))
    api.on("GET /models/penguins", lambda _: (200, model))
    api.on("GET /models/penguins/versions", (200, {"versions": VERSIONS, "next": None}))
    api.on("GET /models/penguins/runs", (200, {"runs": [RUN]}))
    api.on("GET /models/penguins/drift", drift)
    api.on("GET /models/penguins/quality", (200, QUALITY | {"history": PAST_QUALITY, "next": None}))
    api.on("GET /models/penguins/summary", (200, SUMMARY))
    api.on("GET /models/penguins/audit", (200, {"audit": []}))
    api.on("POST /models/penguins/promote", promote)
    api.on("POST /models/penguins/freeze", (409, {"error": "somebody else was first"}))


def seed_for_pictures(api: Any) -> None:
    """Tell of a model as people meet one, for the pictures of the README: its data drifted and its quality fell."""
    promised = {"accuracy": 0.982, "log_loss": 0.071, "f1": 0.979}
    lost = {"accuracy": -0.006, "log_loss": 0.011, "f1": -0.007}  # in each of the checks

    def metrics(turn: int) -> dict[str, Any]:
        fallen = {name: value + lost[name] * max(turn - 3, 0) for name, value in promised.items()}
        return {name: {"value": round(value, 4), "low": round(value - 0.017, 4), "high": round(value + 0.015, 4),
                       "holdout": {"value": promised[name]}} for name, value in fallen.items()}  # fmt: skip

    past = [at | {"rows": 345, "metrics": metrics(len(TIMES) - 1 - back), "status": "degraded" if back < 6 else "ok"}
            for back, at in enumerate(PAST_QUALITY)]  # fmt: skip
    worse = "accuracy is 0.9280 on labelled rows, against 0.9820 on the holdout"
    why = "better than version 1 on its holdout and on the anchor rows"
    columns = [("body_mass_g", 0.549), ("flipper_length_mm", 0.121), ("bill_length_mm", 0.064), ("island", 0.031)]
    model = MODEL | {"champion": 2, "challenger": None, "weight": 0.0, "previous": 1, "why": why, "judge": None,
                     "run": None, "quality": {"status": "degraded", "updated_at": STAMP}}  # fmt: skip
    gate = {"decision": "approve", "reasons": ["344 rows are too few to be sure"]}
    waiting = VERSIONS[0] | {"version": 3, "role": None, "status": "waiting", "created_at": STAMP, "gate": gate}
    champion = VERSIONS[1] | {"version": 2, "reasons": [why]}
    api.on("GET /models/penguins", (200, model))
    api.on(
        "GET /models/penguins/versions", (200, {"versions": [waiting, champion, VERSIONS[1] | {"role": "previous"}]})
    )
    ended = RUN | {"state": "SUCCEEDED", "stage": "released", "cause": "drift"}
    api.on("GET /models/penguins/runs", (200, {"runs": [ended]}))
    api.on("GET /models/penguins/quality", (200, QUALITY | {
        "status": "degraded", "rows": 345, "reasons": [worse], "metrics": metrics(len(TIMES) - 1), "history": past,
        "labels": {"received": 348, "repeated": 0, "pending": 3, "unknown": 0}}))  # fmt: skip
    shown = [COLUMN | {"name": name, "distance": distance, "drifted": distance > COLUMN["threshold"]}
             for name, distance in columns]  # fmt: skip
    api.on("GET /models/penguins/drift", lambda asked: (200, drift(asked)[1] | {"version": 2, "columns": shown}))


def drift(asked: Any) -> tuple[int, Any]:
    """Answer the verdict with eight older ones a page, and a column's detail when it is asked for."""
    name, start = asked.query.get("column"), int(asked.query.get("next", 0))
    if name == "<b>island</b>":
        return 503, {"error": "the bucket is busy"}
    found = {"body_mass_g": COLUMN | FLIPPERS | {"name": name, "bins": BINS}, "flipper_mm": FLIPPERS}
    end = len(HISTORY) if name else start + 8
    more = str(end) if end < len(HISTORY) else None
    return 200, DRIFT | {"history": HISTORY[start:end], "next": more} | ({"column": found[name]} if name else {})
