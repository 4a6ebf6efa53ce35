"""The built application as the emulator needs it: code in zips, layers mounted, nested templates in a bucket."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from modelloop_stack.build.layers import build_layer

BUCKET = "modelloop-deployment"
# CloudFormation expects addresses of nested templates in this form; the emulator reads only bucket and key from them.
S3 = "https://s3.amazonaws.com"
SITE = "python/lib/python3.13/site-packages"
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Package:
    """A template that names uploaded files, these files' contents by key, and a digest of all."""

    template: str
    files: dict[str, bytes]
    digest: str


def package(built: Path) -> Package:
    """Return the output of `sam build` as a template and the files that it names: archives and nested templates."""
    document = yaml.load((built / "template.yaml").read_text(), yaml.CSafeLoader)
    files: dict[str, bytes] = {}
    for name, resource in document["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            content = _zip_folder(built / properties["CodeUri"])
            properties["CodeUri"] = _place_archive(files, content)
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = _place_archive(files, _mounted_layer(name))
        elif resource["Type"] == "AWS::CloudFormation::Stack":
            content = (built / properties["TemplateURL"]).read_bytes()
            properties["TemplateURL"] = f"{S3}/{BUCKET}/{_place(files, content, 'yaml')}"
    template = json.dumps(document)
    digest = hashlib.sha256(template.encode()).hexdigest()
    return Package(template=template, files=files, digest=digest)


def _place_archive(files: dict[str, bytes], content: bytes) -> dict[str, str]:
    return {"Bucket": BUCKET, "Key": _place(files, content, "zip")}


def _place(files: dict[str, bytes], content: bytes, suffix: str) -> str:
    """Add a file under a key that its content determines, and return the key."""
    key = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
    files[key] = content
    return key


def _mounted_layer(logical_id: str) -> bytes:
    """Return an archive with a path file that makes Python import the built layer from where it is.

    The emulator unpacks every layer again for every worker that it starts: seconds, for scikit-learn.
    """
    mount = build_layer(logical_id.removesuffix("Layer").lower()) / "python"
    line = f"import sys; sys.path.insert(0, {str(mount)!r})\n"
    return _zip({f"{SITE}/modelloop-layer.pth": line.encode()})


def _zip_folder(folder: Path) -> bytes:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _zip({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def _zip(files: dict[str, bytes]) -> bytes:
    """Return an archive whose bytes depend on names and contents alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
