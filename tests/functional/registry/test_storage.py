from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelloop.aws import storage
from modelloop.aws.serving import pointers
from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.errors import ArtifactRefusedError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("registry")
REF = VersionRef(1, "run", "versions/m/run/model.flat.json", "00", 10)


def test_an_object_is_written_once() -> None:
    assert storage.put_once("artifacts", "k", b"a")
    assert not storage.put_once("artifacts", "k", b"b")
    assert storage.get("artifacts", "k") == b"a"
    with pytest.raises(ConflictError):
        storage.put("artifacts", "k", b"b", if_none_match=True)


def test_an_object_is_replaced_only_over_what_was_read() -> None:
    first = storage.put("artifacts", "k", b"a", content_type="text/plain")
    second = storage.replace("artifacts", "k", b"b", first)
    with pytest.raises(ConflictError):
        storage.replace("artifacts", "k", b"c", first)
    assert storage.get_with_etag("artifacts", "k") == (b"b", second)


def test_the_version_asked_for_is_read_or_said_to_be_gone(tmp_path: Path) -> None:
    storage.put("artifacts", "k", b"old")
    head = storage.head("artifacts", "k")
    storage.put("artifacts", "k", b"new")
    assert head is not None
    assert storage.get("artifacts", "k", head.version_id) == b"old"
    assert storage.download("artifacts", "k", tmp_path / "file", head.version_id) == 3
    with pytest.raises(NotFoundError, match="k does not exist"):
        storage.get("artifacts", "k", "0" * 32)


def test_what_is_absent_is_none_or_not_found() -> None:
    assert storage.head("artifacts", "k") is None
    with pytest.raises(NotFoundError):
        storage.get("artifacts", "k")
    storage.delete("artifacts", "k")


def test_keys_are_listed_past_the_first_page() -> None:
    for number in range(5):
        storage.put("artifacts", f"p/{number}", b"")
    storage.put("artifacts", "q", b"")
    assert [*storage.list_keys("artifacts", "p/", page_size=2)] == [f"p/{number}" for number in range(5)]
    assert [*storage.list_keys("artifacts", "p/", start_after="p/2")] == ["p/3", "p/4"]


def test_a_pointer_is_published_over_what_was_read() -> None:
    assert pointers.read("m") == (None, None)
    first = Pointer("m", 1, REF, why="ü")
    etag = pointers.publish(first, None)
    assert pointers.read("m") == (first, etag)
    with pytest.raises(ConflictError, match="somebody else"):
        pointers.publish(Pointer("m", 1, REF, why="other"), None)
    newer = pointers.publish(first.revised(why="more"), etag)
    with pytest.raises(ConflictError, match="somebody else"):
        pointers.publish(first.revised(why="late"), etag)
    assert pointers.publish(first.revised(why="more"), etag) == newer
    assert [*pointers.models()] == ["m"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"format_version":9}', b'{"format_version":1}'])
def test_a_damaged_pointer_is_refused(body: bytes) -> None:
    storage.put("artifacts", "serving/m.json", body)
    with pytest.raises(ArtifactRefusedError):
        pointers.read("m")
