from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.errors import ArtifactRefusedError, ConflictError, NotFoundError
from tests.support.stores import ARTIFACTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("registry")
REF = VersionRef(1, "run", "versions/m/run/model.flat.json", "00", 10)


def test_an_object_is_written_once() -> None:
    assert Bucket("artifacts").put_once("k", b"a")
    assert not Bucket("artifacts").put_once("k", b"b")
    assert Bucket("artifacts").get("k") == b"a"
    with pytest.raises(ConflictError):
        Bucket("artifacts").put("k", b"b", if_none_match=True)


def test_an_object_is_replaced_only_over_what_was_read() -> None:
    first = Bucket("artifacts").put("k", b"a", content_type="text/plain")
    second = Bucket("artifacts").replace("k", b"b", first)
    with pytest.raises(ConflictError):
        Bucket("artifacts").replace("k", b"c", first)
    assert Bucket("artifacts").get_with_etag("k") == (b"b", second)


def test_the_version_asked_for_is_read_or_said_to_be_gone(tmp_path: Path) -> None:
    Bucket("artifacts").put("k", b"old")
    head = Bucket("artifacts").head("k")
    Bucket("artifacts").put("k", b"new")
    assert head is not None
    assert Bucket("artifacts").get("k", head.version_id) == b"old"
    assert Bucket("artifacts").download("k", tmp_path / "file", head.version_id) == 3
    with pytest.raises(NotFoundError, match="k does not exist"):
        Bucket("artifacts").get("k", "0" * 32)


def test_what_is_absent_is_none_or_not_found() -> None:
    assert Bucket("artifacts").head("k") is None
    with pytest.raises(NotFoundError):
        Bucket("artifacts").get("k")
    Bucket("artifacts").delete("k")


def test_keys_are_listed_past_the_first_page() -> None:
    for number in range(5):
        Bucket("artifacts").put(f"p/{number}", b"")
    Bucket("artifacts").put("q", b"")
    assert [*Bucket("artifacts").list_keys("p/", page_size=2)] == [f"p/{number}" for number in range(5)]
    assert [*Bucket("artifacts").list_keys("p/", start_after="p/2")] == ["p/3", "p/4"]


def test_a_pointer_is_published_over_what_was_read() -> None:
    assert pointers.read(ARTIFACTS, "m") == (None, None)
    first = Pointer("m", 1, REF, why="ü")
    etag = pointers.publish(ARTIFACTS, first, None)
    assert pointers.read(ARTIFACTS, "m") == (first, etag)
    with pytest.raises(ConflictError, match="somebody else"):
        pointers.publish(ARTIFACTS, Pointer("m", 1, REF, why="other"), None)
    newer = pointers.publish(ARTIFACTS, first.revised(why="more"), etag)
    with pytest.raises(ConflictError, match="somebody else"):
        pointers.publish(ARTIFACTS, first.revised(why="late"), etag)
    assert pointers.publish(ARTIFACTS, first.revised(why="more"), etag) == newer
    assert [*pointers.models(ARTIFACTS)] == ["m"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"format_version":9}', b'{"format_version":1}'])
def test_a_damaged_pointer_is_refused(body: bytes) -> None:
    Bucket("artifacts").put("serving/m.json", body)
    with pytest.raises(ArtifactRefusedError):
        pointers.read(ARTIFACTS, "m")
