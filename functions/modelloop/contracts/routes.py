"""The routes of the API: the one table behind the dispatch of both HTTP functions, the OpenAPI document, and the pages.

`template.yaml` spells the same routes for API Gateway; a test holds it to this table. Plain data without any import
beyond the standard library, because the data plane reads it at its cold start.
"""

from __future__ import annotations

from typing import NamedTuple

DATA, CONTROL = "data", "control"
API_KEY, SIGNATURE = "apiKey", "sigv4"
GUARDS = {DATA: API_KEY, CONTROL: SIGNATURE}
DOCUMENT, PLAIN_TEXT = "Document", "Text"  # any JSON object; plain text


class Route(NamedTuple):
    """One method and path of a plane, and the name of the function that answers it.

    `request` and `answer` name schemas of the OpenAPI document (None: no body), `status` is the answer's when nothing
    went wrong, `summary` says what the route does, and `details` what the page of routes adds to that.
    """

    method: str
    path: str
    plane: str
    function: str
    summary: str
    details: str = ""
    request: str | None = None
    answer: str = DOCUMENT
    status: int = 200

    @property
    def key(self) -> str:
        """Method and path, such as "GET /models/{model}": what a proxy event says of the route it came by."""
        return f"{self.method} {self.path}"

    @property
    def guard(self) -> str:
        """What a caller has to bring: an API key or a signature."""
        return GUARDS[self.plane]

    @property
    def parameters(self) -> list[str]:
        """The names of the path's parameters, in order."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


ROUTES = (
    Route("GET", "/ping", DATA, "get_live", "Whether the process lives", "200 as soon as the function answers",
          answer="Health"),
    Route("GET", "/health", DATA, "get_ready", "Whether artifacts can be read", "503 when they cannot",
          answer="Health"),
    Route("GET", "/openapi.json", DATA, "get_api_document", "This API as an OpenAPI 3.1 document"),
    Route("GET", "/v2", DATA, "get_server", "Server metadata", "Open Inference Protocol v2", answer="ServerMetadata"),
    Route("GET", "/v2/health/live", DATA, "get_live", "Whether the process lives", answer="Health"),
    Route("GET", "/v2/health/ready", DATA, "get_ready", "Whether artifacts can be read", answer="Health"),
    Route("GET", "/v2/models", DATA, "list_models", "The models that can predict", answer="ModelNames"),
    Route("GET", "/v2/models/{model}", DATA, "get_metadata", "A model's inputs and outputs",
          "also its classes and versions", answer="ModelMetadata"),
    Route("GET", "/v2/models/{model}/ready", DATA, "get_model_ready", "Whether a model serves", answer="ModelReady"),
    Route("GET", "/v2/models/{model}/openapi.json", DATA, "get_model_document", "A model's own OpenAPI document",
          "requests and answers with typed columns and classes"),
    Route("GET", "/v2/models/{model}/versions/{version}", DATA, "get_metadata", "A version's inputs and outputs",
          "one that serves or is pinned", answer="ModelMetadata"),
    Route("GET", "/v2/models/{model}/versions/{version}/ready", DATA, "get_model_ready", "Whether a version serves",
          answer="ModelReady"),
    Route("POST", "/v2/repository/index", DATA, "list_served_versions", "Versions that serve",
          "in the form of the protocol's repository extension", request="IndexRequest", answer="Index"),
    Route("POST", "/v2/models/{model}/infer", DATA, "infer", "Predict, Open Inference Protocol",
          "v2, in JSON or binary", request="InferRequest", answer="InferResponse"),
    Route("POST", "/v2/models/{model}/versions/{version}/infer", DATA, "infer",
          "Predict with a version that is pinned or serves", "independently of the traffic split",
          request="InferRequest", answer="InferResponse"),
    Route("POST", "/models/{model}/invocations", DATA, "invoke", "Predict, MLflow", "four JSON forms, or CSV",
          request="InvocationRequest", answer="InvocationResponse"),
    Route("POST", "/models/{model}/feedback", DATA, "accept_feedback", "Accept labels for earlier predictions",
          "202 with their count", request="FeedbackRequest", answer="Accepted", status=202),

    Route("GET", "/models", CONTROL, "list_models", "All models, what serves for each, and their state",
          "`drift`, `quality` and `run` in short"),
    Route("GET", "/models/{model}", CONTROL, "get_model", "One model, what serves, and its state",
          "also the serving pointer and the judge's last decision on its rollout"),
    Route("GET", "/models/{model}/versions", CONTROL, "list_versions", "Versions, newest first",
          "with role and status; of a blend the `members`, families with their weights"),
    Route("GET", "/models/{model}/versions/{version}", CONTROL, "get_version", "A version's manifest",
          "with role and status"),
    Route("GET", "/models/{model}/versions/{version}/report", CONTROL, "get_report",
          "A presigned link to a version's report", "`url`, valid for 15 minutes"),
    Route("GET", "/models/{model}/runs", CONTROL, "list_runs", "Runs, newest first"),
    Route("GET", "/models/{model}/runs/{run}", CONTROL, "get_run", "One run",
          "state, stage, percent, reason, metrics, gate; `report`, a link to its report once it has ended (also when "
          "the gate refused the version)"),
    Route("GET", "/models/{model}/drift", CONTROL, "get_drift", "The newest drift verdict",
          "`limit` adds the verdicts before it, `column` the training and live distributions of one column"),
    Route("GET", "/models/{model}/quality", CONTROL, "get_quality", "Realised and estimated quality",
          "the newest verdict; `limit` adds the verdicts before it"),
    Route("GET", "/models/{model}/summary", CONTROL, "get_summary", "Traffic by version",
          "whole hours, with a shadow's counted separately, and `quarantined` lines by reason; `from` and `to` "
          "(default: the last 24 hours); `hours=1` adds rows and errors hour by hour"),
    Route("GET", "/models/{model}/audit", CONTROL, "list_audit", "Who changed what, when and why",
          "also why a retraining request led to no run"),
    Route("GET", "/models/{model}/lineage/{prediction}", CONTROL, "get_lineage", "Where a prediction came from",
          "version, run, dataset, spec, code and lock, and the earlier versions (`ancestors`); `row` for one row"),
    Route("GET", "/metrics", CONTROL, "get_metrics", "Metrics in Prometheus text", "from stored state",
          answer=PLAIN_TEXT),
    Route("POST", "/models/{model}/runs", CONTROL, "start_run", "Request a retraining",
          "a new run on the latest rows and labels; 202", request="RunRequest", status=202),
    Route("POST", "/models/{model}/promote", CONTROL, "promote", "Make a version the champion",
          "the challenger by default", request="Change"),
    Route("POST", "/models/{model}/rollback", CONTROL, "rollback", "Put the previous champion back",
          "`version`, when given, must be its number", request="Change"),
    Route("POST", "/models/{model}/approve", CONTROL, "approve", "Approve a version that waits for approval",
          request="VersionChange"),
    Route("POST", "/models/{model}/reject", CONTROL, "reject",
          "Withdraw a challenger, a shadow or a version that waits", request="Change"),
    Route("POST", "/models/{model}/pin", CONTROL, "pin", "Keep a version reachable by its number",
          '`"on": false` undoes it', request="VersionSwitch"),
    Route("POST", "/models/{model}/shadow", CONTROL, "shadow",
          "Let a version predict beside the champion, unseen by callers", '`"on": false` undoes it',
          request="VersionSwitch"),
    Route("POST", "/models/{model}/freeze", CONTROL, "freeze", "Stop every automatic change",
          '`"on": false` undoes it', request="Switch"),
    Route("POST", "/models/{model}/retire", CONTROL, "retire", "Take a version out of service for good",
          "without `version`, stop serving the model", request="Change"),
    Route("POST", "/models/{model}/erasures", CONTROL, "record_erasure",
          "Record who has a prediction erased, and why", "`modelloop erase` does this before it erases anything",
          request="Erasure"),
    Route("POST", "/uploads", CONTROL, "sign_upload", "A presigned upload",
          '`{"model", "file"}` gives a presigned PUT for a table, a `model.yaml` or an ONNX model', request="Upload"),
)  # fmt: skip


def of_plane(plane: str) -> tuple[Route, ...]:
    """Return the routes of the data or the control plane."""
    return tuple(route for route in ROUTES if route.plane == plane)
