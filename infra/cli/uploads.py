"""From a file on disk to an object in the data bucket, once per content."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from botocore.exceptions import ClientError

from infra.cli.failures import CommandError
from infra.cli.rows import read_text
from modelloop import keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.cli.target import Stack

FORMATS = (".csv", ".csv.gz", ".parquet", ".jsonl", ".onnx")
_DIGEST = "sha256"


class Upload(NamedTuple):
    """An object in the data bucket; `unchanged` tells that the same content was there already."""

    uri: str
    version_id: str
    sha256: str
    unchanged: bool


def check_file(file: Path) -> None:
    """Raise CommandError when the file is not there, is empty, or is of no format that the loop reads."""
    if not file.is_file():
        raise CommandError(f"{file} is not a file", "Name a table: modelloop train table.csv --model NAME")
    if not file.name.lower().endswith(FORMATS):
        raise CommandError(f"{file.name} is of no format that can be trained on", f"Bring one of {', '.join(FORMATS)}")
    if not file.stat().st_size:
        raise CommandError(f"{file} is empty", "Check how the file was made")


def upload(stack: Stack, model: str, file: Path, *, force: bool, moved: Callable[[int], object]) -> Upload:
    """Put the file under the model's prefix, unless its content is there; `moved` hears of bytes sent."""
    folder = keys.MODELS if file.name.lower().endswith(".onnx") else keys.DATASETS
    key = f"{folder}{model}/{file.name}"
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


def write_target(stack: Stack, model: str, target: str) -> bool:
    """Name the target in the model's model.yaml; True when the file changed.

    Raises CommandError when a model.yaml is there and names another target, or cannot be read.
    """
    s3 = stack.aws("s3")
    key = keys.spec(model)
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


def put_spec(stack: Stack, model: str, file: Path) -> bool:
    """Put a model.yaml next to the model's tables; True when it differs from what was there."""
    s3 = stack.aws("s3")
    text = read_text(str(file))
    if _read(s3, stack.data_bucket, keys.spec(model)) == text:
        return False
    s3.put_object(Bucket=stack.data_bucket, Key=keys.spec(model), Body=text.encode())
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
