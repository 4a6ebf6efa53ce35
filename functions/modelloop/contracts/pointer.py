"""The serving pointer: which versions of a model serve, and with what weight."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from modelloop.errors import ArtifactRefusedError

FORMAT_VERSION = 1
MAX_MODEL_BYTES = 48 << 20  # of a bundle and of an ONNX file: loading takes 8 times that, beside 7 of what it replaces
CHAMPION, CHALLENGER, SHADOW, PINNED = "champion", "challenger", "shadow", "pinned"
_SIGNS = str.maketrans("", "", "-:.")
VARIANTS = frozenset({CHAMPION, CHALLENGER, SHADOW, PINNED})
ROLES = (CHAMPION, CHALLENGER, SHADOW, "previous")  # fields of a pointer that hold one version each


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A version and the one file that serves it, with its digest (hex SHA-256) and size in bytes."""

    version: int
    run_id: str
    file: str
    sha256: str
    bytes: int


class Trial(NamedTuple):
    """The rollout of a version that the gate was unsure of: only labels can promote it, held to the gate's `margin`.

    It ends undecided at `expires_at`. A tuple, because the data plane makes this class at its cold start.
    """

    version: int
    margin: float
    expires_at: str
    unsure: bool = True


@dataclass(frozen=True, slots=True)
class Pointer:
    """The one truth for what serves; `weight` is the challenger's share of requests in percent.

    `trial` is None unless the challenger or shadow is a version that the gate was unsure of.
    """

    model: str
    revision: int
    champion: VersionRef | None
    challenger: VersionRef | None = None
    weight: float = 0.0
    shadow: VersionRef | None = None
    pins: tuple[VersionRef, ...] = ()
    previous: VersionRef | None = None
    frozen: bool = False
    policy: str = "auto"
    bake_until: str | None = None
    updated_at: str = ""
    who: str = ""
    why: str = ""
    action: str = ""
    subject: int | None = None
    format_version: int = field(default=FORMAT_VERSION)
    trial: Trial | None = None

    @property
    def rollout(self) -> str:
        """Return what tells its rollout from others while pins and freezes revise it: the bake's end; "" for none."""
        return (self.bake_until or "").translate(_SIGNS)

    def refs(self) -> tuple[VersionRef, ...]:
        """Return every version that a request can reach, champion first, each once."""
        refs = (self.champion, self.challenger, self.shadow, self.previous, *self.pins)
        return tuple(dict.fromkeys(ref for ref in refs if ref is not None))

    def find(self, version: int) -> VersionRef | None:
        """Return the reachable version of that number, or None."""
        return next((ref for ref in self.refs() if ref.version == version), None)

    def revised(self, **changes: Any) -> Pointer:
        """Return the next revision with the changes made."""
        return replace(self, revision=self.revision + 1, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return the document that is stored; it names a trial only where there is one."""
        document = asdict(self)
        if document.pop("trial") is not None and self.trial is not None:
            document["trial"] = self.trial._asdict()
        return document


def pointer_from_json(document: Any) -> Pointer:
    """Read a stored pointer; raise ArtifactRefusedError when it is not one."""
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactRefusedError(
            f"the serving pointer has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    try:
        return Pointer(
            **{
                **document,
                "champion": _ref(document["champion"]),
                "challenger": _ref(document.get("challenger")),
                "shadow": _ref(document.get("shadow")),
                "previous": _ref(document.get("previous")),
                "pins": tuple(VersionRef(**pin) for pin in document.get("pins", ())),
                "trial": Trial(**document["trial"]) if document.get("trial") else None,
            }
        )
    except (KeyError, TypeError) as error:
        raise ArtifactRefusedError(f"serving pointer is damaged: {error}") from error


def _ref(document: Any) -> VersionRef | None:
    return None if document is None else VersionRef(**document)
