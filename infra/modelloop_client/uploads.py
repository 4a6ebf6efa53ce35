"""Upload a table or a model, with what belongs to it, unless the same content was uploaded before."""

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

    from modelloop_client.stacks import Stack

SUFFIXES = (*keys.TABLE_SUFFIXES, keys.MODEL_SUFFIX)
_DIGEST = "sha256"


class Upload(NamedTuple):
    """An object in the data bucket, of a folder its marker; `unchanged` when the same content was there already."""

    uri: str
    version_id: str
    sha256: str
    unchanged: bool


def check_file(file: Path) -> None:
    """Raise CommandError when the file does not exist, is empty, or has no suffix that can be trained on.

    Of a folder, when it is no table in part files.
    """
    if file.is_dir():
        part_files(file)
        return
    if not file.is_file():
        raise CommandError(f"{file} is not a file", "Name a table: modelloop train table.csv --model NAME")
    if not file.name.lower().endswith(SUFFIXES):
        raise CommandError(f"{file.name} cannot be trained on", f"Use one of {', '.join(SUFFIXES)}")
    if not file.stat().st_size:
        raise CommandError(f"{file} is empty", "Check how the file was made")


def check_reference(reference: Path | None, file: Path) -> None:
    """Raise CommandError when reference rows are given for a table instead of a model, or are not a CSV file."""
    if reference is None:
        return
    if not is_model(file):
        raise CommandError("--reference is for an .onnx model", f"{file.name} is a table: leave --reference out")
    if not (reference.is_file() and reference.name.lower().endswith(".csv")):
        raise CommandError(f"{reference} is not a .csv file", "Rows with the model's columns, labelled where known")


def part_files(folder: Path) -> list[Path]:
    """Return the files of a folder that are one table, in the order of their names, without hidden ones and markers.

    Raises CommandError when there are none, too many, or folders among them.
    """
    visible = [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "_"))]
    files = [path for path in visible if not keys.is_marker(path.name) and path.name != keys.SPEC_NAME]
    nested = next((path.name for path in files if path.is_dir()), None)
    if nested is not None:
        raise CommandError(f"{folder} has a folder in it ({nested})", "Write one table without partitions")
    if not any(path.stat().st_size for path in files):
        raise CommandError(f"{folder} has no files with content", "Name a folder with the part files of one table")
    if len(files) > keys.MAX_PARTS:
        raise CommandError(f"{folder} has more than {keys.MAX_PARTS:,} files", "Write fewer and larger files")
    return files


def total_bytes(file: Path) -> int:
    """Return the size of a file, or of the part files of a folder."""
    return sum(part.stat().st_size for part in part_files(file)) if file.is_dir() else file.stat().st_size


def is_model(file: Path) -> bool:
    """Return whether the file is a model to import, rather than a table to train on."""
    return file.name.lower().endswith(keys.MODEL_SUFFIX)


def folder_keys(model: str, file: Path) -> Callable[[str], str]:
    """Return a function from a file's name to its key beside `file`: tables and models have folders of their own."""
    return partial(keys.brought if is_model(file) else keys.dataset, model)


def upload(stack: Stack, model: str, file: Path, *, force: bool, on_progress: Callable[[int], object]) -> Upload:
    """Upload the file, unless its content is there, and return its place; `on_progress` gets counts of bytes sent.

    Of a folder, the part files are uploaded, and then the marker that makes one table of them.
    """
    if file.is_dir():
        return _put_folder(stack, model, file, force=force, on_progress=on_progress)
    return _put(stack, folder_keys(model, file)(file.name), file, force=force, on_progress=on_progress)


def upload_companions(
    stack: Stack, model: str, file: Path, *, spec: Path | None, target: str | None, reference: Path | None
) -> bool:
    """Upload what belongs to a file, before the file; return whether something differs from what was there."""
    spec_key = folder_keys(model, file)(keys.SPEC_NAME)
    changed = put_spec(stack, spec_key, spec) if spec else False
    changed |= write_target(stack, spec_key, target) if target else False
    return changed | (put_reference(stack, model, reference) if reference else False)


def put_reference(stack: Stack, model: str, file: Path) -> bool:
    """Upload the rows that an imported model is examined on; return whether they differ from what was there."""
    sent = _put(stack, keys.brought(model, keys.REFERENCE_NAME), file, force=False, on_progress=lambda _: None)
    return not sent.unchanged


def _put(stack: Stack, key: str, file: Path, *, force: bool, on_progress: Callable[[int], object]) -> Upload:
    sha256 = _digest(file)
    uri = f"s3://{stack.data_bucket}/{key}"
    s3 = stack.aws("s3")
    current = None if force else _head(s3, stack.data_bucket, key)
    if current and current["Metadata"].get(_DIGEST) == sha256:
        on_progress(file.stat().st_size)
        return Upload(uri, current["VersionId"], sha256, unchanged=True)
    s3.upload_file(str(file), stack.data_bucket, key, Callback=on_progress, ExtraArgs={"Metadata": {_DIGEST: sha256}})
    written = s3.head_object(Bucket=stack.data_bucket, Key=key)
    return Upload(uri, written["VersionId"], sha256, unchanged=False)


def _put_folder(stack: Stack, model: str, folder: Path, *, force: bool, on_progress: Callable[[int], object]) -> Upload:
    """Upload part files into a folder of their content's name, so that no file of an earlier table is among them."""
    parts = part_files(folder)
    content = "\n".join(f"{_digest(part)} {part.name}" for part in parts)
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    key = keys.dataset(model, f"{folder.resolve().name}-{sha256[:12]}/")
    marker, s3 = f"{key}{keys.MARKER}", stack.aws("s3")
    uri = f"s3://{stack.data_bucket}/{marker}"
    current = None if force else _head(s3, stack.data_bucket, marker)
    if current and current["Metadata"].get(_DIGEST) == sha256:
        on_progress(total_bytes(folder))
        return Upload(uri, current["VersionId"], sha256, unchanged=True)
    for place, part in enumerate(parts):  # under names of parts, which wait for the marker
        s3.upload_file(str(part), stack.data_bucket, f"{key}part-{place:05d}-{part.name}", Callback=on_progress)
    written = s3.put_object(Bucket=stack.data_bucket, Key=marker, Body=b"", Metadata={_DIGEST: sha256})
    return Upload(uri, written["VersionId"], sha256, unchanged=False)


def write_target(stack: Stack, key: str, target: str) -> bool:
    """Write the target into the model.yaml at a key of the data bucket; return whether the file changed.

    Raises CommandError when the model.yaml names another target, or cannot be read.
    """
    s3 = stack.aws("s3")
    text = _read(s3, stack.data_bucket, key)
    try:
        spec = yaml.safe_load(text) or {}
        current = spec.get("target")
    except (yaml.YAMLError, AttributeError) as error:
        raise CommandError(f"s3://{stack.data_bucket}/{key} is not a model.yaml", "Correct or remove it") from error
    if current == target:
        return False
    if current is not None:
        raise CommandError(
            f"the model's model.yaml names the target {current!r}, not {target!r}",
            f"Change s3://{stack.data_bucket}/{key}, or leave --target out",
        )
    line = yaml.safe_dump({"target": target}, allow_unicode=True)
    s3.put_object(Bucket=stack.data_bucket, Key=key, Body=f"{text.rstrip()}\n{line}".lstrip().encode())
    return True


def put_spec(stack: Stack, key: str, file: Path) -> bool:
    """Upload a model.yaml under a key of the data bucket; return whether it differs from what was there."""
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
