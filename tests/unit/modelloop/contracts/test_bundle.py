from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from modelloop.contracts.bundle import read_bundle
from modelloop.errors import ArtifactRefusedError

GOLDEN = Path(__file__).parents[3] / "comparison" / "golden" / "versions"
BUNDLES = sorted(GOLDEN.glob("*/model.flat.json"))


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.parent.name)
def test_a_recorded_bundle_is_read_and_written_as_it_is(path: Path) -> None:
    body = path.read_bytes()
    assert read_bundle(body).to_bytes() == body.strip()


def test_the_bundle_of_an_imported_model_may_name_no_target() -> None:
    bundle = read_bundle(BUNDLES[0].read_bytes())._replace(target=None)
    assert orjson.loads(bundle.to_bytes())["target"] is None
    assert read_bundle(bundle.to_bytes()).target is None


def test_there_are_recorded_bundles_of_both_engines() -> None:
    assert {read_bundle(path.read_bytes()).form.engine for path in BUNDLES} == {"flat", "onnx"}


def test_another_format_is_refused_with_what_was_met_and_what_can_be_read() -> None:
    document = orjson.loads(BUNDLES[0].read_bytes())
    with pytest.raises(ArtifactRefusedError, match="format version 2, and version 1 can be read"):
        read_bundle(orjson.dumps(document | {"format_version": 2}))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"format_version":1}', b"null"])
def test_what_is_no_bundle_is_refused(body: bytes) -> None:
    with pytest.raises(ArtifactRefusedError):
        read_bundle(body)


def test_a_bundle_without_one_of_its_parts_is_refused() -> None:
    document = orjson.loads(BUNDLES[0].read_bytes())
    for name in document:
        if name not in {"format_version", "base"}:
            with pytest.raises(ArtifactRefusedError, match="damaged"):
                read_bundle(orjson.dumps({key: value for key, value in document.items() if key != name}))
