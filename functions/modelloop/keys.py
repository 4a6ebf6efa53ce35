"""Where everything lies in the three buckets: the only place that spells object keys."""

from __future__ import annotations

from typing import NamedTuple

from modelloop.ids import MODEL_NAME

DATASETS = "datasets/"
MODELS = "models/"
CAPTURES = "captures/"
FEEDBACK = "feedback/"
QUARANTINE = "quarantine/"
ORIGINS = ".origins.json"
SPEC_NAME = "model.yaml"
REFERENCE_NAME = "reference.csv"
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")
# Of files that are uploaded as tables: the ones that intake reads.
TABLE_SUFFIXES = (*_TEXT_SUFFIXES, *(f"{suffix}.gz" for suffix in _TEXT_SUFFIXES), ".parquet", ".pq")
MARKER = "_SUCCESS"  # says that the part files of its folder are complete
_MARKERS = frozenset({MARKER.lower(), "_manifest", "_manifest.json", "manifest", "manifest.json"})
MAX_PARTS = 1_000
MODEL_SUFFIX = ".onnx"  # of files that are uploaded as models

MANIFEST = "manifest.json"
BUNDLE = "model.flat.json"
ONNX = "model.onnx"
JOBLIB = "model.joblib"
ANCHOR = "anchor.npz"
REPORT = "report.html"


class Upload(NamedTuple):
    """What an object in the data bucket is: its kind (dataset, model), model and file name."""

    kind: str
    model: str
    file: str


def parse_upload(key: str) -> Upload | None:
    """Return what a data-bucket key means, or None when it is no upload of ours."""
    folder, _, rest = key.partition("/")
    model, _, file = rest.partition("/")
    kind = {"datasets": "dataset", "models": "model"}.get(folder)
    if kind is None or not file or not MODEL_NAME.fullmatch(model):
        return None
    return Upload(kind, model, file)


def is_marker(name: str) -> bool:
    """Return whether a file's name says that the folder it is in is complete."""
    return name.lower() in _MARKERS


def dataset(model: str, file: str) -> str:
    """Return the key under which a table is uploaded."""
    return f"{DATASETS}{model}/{file}"


def spec(model: str) -> str:
    """Return the key of a model's optional model.yaml."""
    return f"{DATASETS}{model}/{SPEC_NAME}"


def brought(model: str, file: str) -> str:
    """Return the key of a file that comes with a brought model: model.yaml, reference.csv or the model itself."""
    return f"{MODELS}{model}/{file}"


def prepared(model: str, run_id: str, file: str) -> str:
    """Return the key of one file of a run's encoded table."""
    return f"prepared/{model}/{run_id}/{file}"


def derived(model: str, digest: str) -> str:
    """Return the key of a table that was made of base rows and labelled rows; `digest` is its content's SHA-256."""
    return f"{derived_prefix(model)}{digest}.csv"


def derived_prefix(model: str) -> str:
    """Return the prefix of a model's derived tables."""
    return f"derived/{model}/"


def origins(model: str, digest: str) -> str:
    """Return the key of what tells which prediction each labelled row of a derived table was."""
    return f"{derived_prefix(model)}{digest}{ORIGINS}"


def parts(model: str, digest: str) -> str:
    """Return the key of the list of files that one version of a folder's marker stands for."""
    return f"parts/{model}/{digest}.json"


def version(model: str, run_id: str, file: str) -> str:
    """Return the key of one file of an immutable version folder."""
    return f"versions/{model}/{run_id}/{file}"


def pointer(model: str) -> str:
    """Return the key of the serving pointer."""
    return f"serving/{model}.json"


def pointer_prefix() -> str:
    """Return the prefix of every serving pointer."""
    return "serving/"


def summary(model: str, hour: str, version_number: int, variant: str, rollout: str, digest: str) -> str:
    """Return the key of the summary of one capture object for one hour of one variant, in a rollout or ("") none."""
    folder = f"{variant}/{rollout}" if rollout else variant
    return f"{summaries(model)}{hour}/{version_number}/{folder}/{digest}.json"


def summaries(model: str) -> str:
    """Return the prefix of a model's summaries; the hour comes first, so that a window is one range of keys."""
    return f"summaries/{model}/"


def index(model: str, hour: str, digest: str) -> str:
    """Return the key of the prediction index that one capture object yields for one hour."""
    return f"{index_prefix(model)}{hour}/{digest}.jsonl"


def index_prefix(model: str) -> str:
    """Return the prefix of a model's prediction index; its hours are the folders below."""
    return f"index/{model}/"


def quarantine(digest: str) -> str:
    """Return the key under which the lines of a capture object that cannot be read are kept."""
    return f"{QUARANTINE}{digest}.jsonl"


def feedback(model: str, hour: str, digest: str) -> str:
    """Return the key of the labels that one feedback object yields for predictions of one hour."""
    return f"feedback/{model}/{hour}/{digest}.jsonl"


def join_pending(model: str, hour: str, digest: str) -> str:
    """Return the key of the mark that an object brought labels or predictions to an hour, not yet joined."""
    return f"{join_pending_prefix(model)}{hour}/{digest}"


def join_pending_prefix(model: str) -> str:
    """Return the prefix of a model's marks of hours that are not joined yet."""
    return f"unjoined/{model}/"


def quality(model: str, hour: str) -> str:
    """Return the key of the realised quality of one hour's predictions."""
    return f"{quality_prefix(model)}{hour}.json"


def quality_prefix(model: str) -> str:
    """Return the prefix of the realised quality of a model's hours."""
    return f"quality/{model}/"


def quality_day(model: str, day: str) -> str:
    """Return the key of one day's joined hours, put together: it sorts after the hours themselves."""
    return f"{quality_days_prefix(model)}{day}.json"


def quality_days_prefix(model: str) -> str:
    """Return the prefix of a model's days of joined hours."""
    return f"{quality_prefix(model)}days/"


def labelled(model: str, hour: str) -> str:
    """Return the key of one hour's captured rows with their labels, ready to train on."""
    return f"{labelled_prefix(model)}{hour}.jsonl"


def labelled_prefix(model: str) -> str:
    """Return the prefix of a model's labelled rows."""
    return f"labelled/{model}/"
