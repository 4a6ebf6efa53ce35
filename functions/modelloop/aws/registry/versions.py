"""Versions: numbered once a run, with the facts of their manifest and what was done to them since."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from modelloop.aws.registry.records import PAGE, Records, model_key
from modelloop.aws.registry.table import ConditionFailedError, Page
from modelloop.contracts.version_facts import version_record_from_json
from modelloop.errors import ConflictError, NotFoundError
from modelloop.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.contracts.version_facts import VersionEvent, VersionFacts, VersionRecord


class VersionRecords(Records):
    """The registry's part that holds versions."""

    def reserve_version(self, model: str, run_id: str) -> int:
        """Return the version number bound to a run, binding the next one at the first call."""
        bound = self._table.get(model_key(model), f"RUNVERSION#{run_id}")
        if bound is not None:
            return int(str(bound["version"]))
        number = self._table.count(model_key(model), "COUNTER")
        if self._table.put_new({"pk": model_key(model), "sk": f"RUNVERSION#{run_id}", "version": number}):
            return number
        return self.reserve_version(model, run_id)

    def register_version(self, model: str, run_id: str, facts: VersionFacts) -> int:
        """Store a version's facts under its number; repeating it changes nothing. Return the number."""
        number = self.reserve_version(model, run_id)
        item = {"model": model, "version": number, "run_id": run_id, "created_at": self._now(), **facts.to_json()}
        self._table.put_new({**item, "pk": model_key(model), "sk": _version_key(number)})
        return number

    def get_version(self, model: str, version: int) -> VersionRecord:
        """Return a version; raise NotFoundError when there is none."""
        what = f"version {version} of model {model!r}"
        return version_record_from_json(self._find(model, _version_key(version), what))

    def list_versions(self, model: str, limit: int = PAGE, next: str | None = None) -> Page[VersionRecord]:  # noqa: A002
        """Return a page of versions, newest first."""
        return self._newest(model, "VERSION#", limit, next, version_record_from_json)

    def update_version(
        self,
        model: str,
        version: int,
        events: Mapping[str, VersionEvent] | None = None,
        *,
        unless: tuple[str, ...] = (),
        seen: str | None = None,
    ) -> VersionRecord:
        """Store events of a version by name (none: touch it only) and return it as it is then.

        Raises ConflictError when it has one of the `unless` events, or when `seen` is given and is not the `touched`
        that the version was read with: somebody else changed it in between.
        """
        rules = ["attribute_exists(#pk)", *(f"attribute_not_exists(#{name})" for name in unless)]
        if seen is not None:
            rules.append("#touched = :seen" if seen else "attribute_not_exists(#touched)")
        facts = {name: asdict(event) for name, event in (events or {}).items()} | {"touched": uuid7()}
        values = {"seen": seen} if seen else {}
        try:
            item = self._table.update(model_key(model), _version_key(version), facts, " AND ".join(rules), values)
        except ConditionFailedError as failed:
            raise _failure(model, version, unless, failed) from failed
        return version_record_from_json(item)


def _version_key(number: int) -> str:
    return f"VERSION#{number:08d}"


def _failure(
    model: str, version: int, unless: tuple[str, ...], failed: ConditionFailedError
) -> ConflictError | NotFoundError:
    if failed.item is None:
        return NotFoundError(f"there is no version {version} of model {model!r}")
    for name in unless:
        if name in failed.item:
            return ConflictError(f"version {version} of model {model!r} was {name} meanwhile")
    return ConflictError(f"version {version} of model {model!r} was changed meanwhile; look again and repeat")
