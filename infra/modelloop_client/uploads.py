"""From a file on disk to an object in the data bucket, once per content."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from botocore.exceptions import ClientError

from modelloop import keys
from modelloop_client.failures import CommandError
from modelloop_client.rows import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelloop_client.target import Stack

FORMATS = (".csv", ".csv.gz", ".parquet", ".jsonl", ".onnx")
_DIGEST = "sha256"


class Upload(NamedTuple):
    """An object in the data bucket; `unchanged` tells that the same content was there already."""

    uri: str
    version_id: str
    sha256: str
    unchanged: bool


def check_file(file: Path) -> None:
    """Raise CommandError when the file is not there, is empty, or has a format that the loop does not read."""
    if not file.is_file():
        raise CommandError(f"{file} is not a file", "Name a table: modelloop train table.csv --model NAME")
    if not file.name.lower().endswith(FORMATS):
        raise CommandError(f"{file.name} cannot be trained on", f"Bring one of {', '.join(FORMATS)}")
    if not file.stat().st_size:
        raise CommandError(f"{file} is empty", "Check how the file was made")


def check_reference(reference: Path | None, file: Path) -> None:
    """Raise CommandError when rows to examine a model on are given for a table, or are no CSV file."""
    if reference is None:
        return
    if not is_model(file):
        raise CommandError("--reference is for an .onnx model", f"{file.name} is a table: leave --reference out")
    if not (reference.is_file() and reference.name.lower().endswith(".csv")):
        raise CommandError(f"{reference} is not a .csv file", "Rows with the model's columns, labelled where known")


def is_model(file: Path) -> bool:
    """Tell a model that is brought from a table to train on."""
    return file.name.lower().endswith(".onnx")


def place(model: str, file: Path) -> Callable[[str], str]:
    """Return what names the keys beside a file: a brought model and a table have folders of their own."""
    return partial(keys.brought if is_model(file) else keys.dataset, model)


def upload(stack: Stack, model: str, file: Path, *, force: bool, moved: Callable[[int], object]) -> Upload:
    """Put the file under the model's prefix, unless its content is there; `moved` hears of bytes sent."""
    return _put(stack, place(model, file)(file.name), file, force=force, moved=moved)


def accompany(
    stack: Stack, model: str, file: Path, *, spec: Path | None, target: str | None, reference: Path | None
) -> bool:
    """Put what is to lie beside a file, before it; True when something differs from what was there."""
    described = place(model, file)(keys.SPEC_NAME)
    changed = put_spec(stack, described, spec) if spec else False
    changed |= write_target(stack, described, target) if target else False
    return changed | (put_reference(stack, model, reference) if reference else False)


def put_reference(stack: Stack, model: str, file: Path) -> bool:
    """Put the rows that a brought model is examined on; True when they differ from what was there."""
    sent = _put(stack, keys.brought(model, keys.REFERENCE_NAME), file, force=False, moved=lambda _: None)
    return not sent.unchanged


def _put(stack: Stack, key: str, file: Path, *, force: bool, moved: Callable[[int], object]) -> Upload:
    sha256 = _digest(file)
    uri = f"s3://{stack.data_bucket}/{key}"
    s3 = stack.aws("s3")
    there = None if force else _head(s3, stack.data_bucket, key)
    if there and there["Metadata"].get(_DIGEST) == sha256:
        moved(file.stat().st_size)
        return Upload(uri, there["VersionId"], sha256, unchanged=True)
    s3.upload_file(str(file), stack.data_bucket, key, Callback=moved, ExtraArgs={"Metadata": {_DIGEST: sha256}})
    written = s3.head_object(Bucket=stack.data_bucket, Key=key)
    return Upload(uri, written["VersionId"], sha256, unchanged=False)


def write_target(stack: Stack, key: str, target: str) -> bool:
    """Name the target in the model.yaml at a key of the data bucket; True when the file changed.

    Raises CommandError when a model.yaml is there and names another target, or cannot be read.
    """
    s3 = stack.aws("s3")
    text = _read(s3, stack.data_bucket, key)
    try:
        spec = yaml.safe_load(text) or {}
        named = spec.get("target")
    except (yaml.YAMLError, AttributeError) as error:
        raise CommandError(f"s3://{stack.data_bucket}/{key} is not a model.yaml", "Mend or remove it") from error
    if named == target:
        return False
    if named is not None:
        raise CommandError(
            f"the model's model.yaml names the target {named!r}, not {target!r}",
            f"Change s3://{stack.data_bucket}/{key}, or leave --target out",
        )
    line = yaml.safe_dump({"target": target}, allow_unicode=True)
    s3.put_object(Bucket=stack.data_bucket, Key=key, Body=f"{text.rstrip()}\n{line}".lstrip().encode())
    return True


def put_spec(stack: Stack, key: str, file: Path) -> bool:
    """Put a model.yaml under a key of the data bucket; True when it differs from what was there."""
    s3 = stack.aws("s3")
    text = read_text(str(file))
    if _read(s3, stack.data_bucket, key) == text:
        return False
    s3.put_object(Bucket=stack.data_bucket, Key=key, Body=text.encode())
    return True


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, _DIGEST).hexdigest()


def _head(s3: Any, bucket: str, key: str) -> Any:
    try:
        return s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound", "403"}:
            return None
        raise


def _read(s3: Any, bucket: str, key: str) -> str:
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return ""
    return body.decode("utf-8", "replace")
