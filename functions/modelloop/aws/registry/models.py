"""Models, each with a copy of its serving pointer and of its newest verdicts in short."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from modelloop.aws.registry.records import PAGE, Records, model_key
from modelloop.aws.registry.table import ConditionFailedError, Page
from modelloop.contracts.model_record import model_record_from_json, pointer_copy
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from modelloop.contracts.model_record import ModelRecord, VerdictInShort
    from modelloop.contracts.pointer import Pointer
    from modelloop.json_types import JsonValue

MODELS = "MODELS"


class ModelRecords(Records):
    """The registry's part that lists models."""

    def list_models(self, limit: int = PAGE, next: str | None = None) -> Page[ModelRecord]:  # noqa: A002  the API's word
        """Return a page of models by name."""
        page = self._table.page(MODELS, "MODEL#", limit=limit, start=next)
        return Page([model_record_from_json(item) for item in page.items], page.next)

    def get_model(self, model: str) -> ModelRecord:
        """Return a model and its copy of the pointer; raise NotFoundError when there is none."""
        item = self._table.get(MODELS, model_key(model))
        if item is None:
            raise NotFoundError(f"there is no model {model[:80]!r}", field="model")
        return model_record_from_json(item)

    def project_pointer(self, pointer: Pointer) -> bool:
        """Copy the serving pointer onto its model, unless a newer revision is there; True when it was copied."""
        born = {"name": pointer.model, "created_at": self._now()}
        older = "attribute_not_exists(#revision) OR #revision < :revision"
        try:
            self._table.update(MODELS, model_key(pointer.model), pointer_copy(pointer), older, defaults=born)
        except ConditionFailedError:
            return False
        return True

    def _create_model(self, model: str) -> None:
        now = self._now()
        born = {"pk": MODELS, "sk": model_key(model), "name": model, "created_at": now, "updated_at": now}
        if self._table.get(MODELS, model_key(model)) is None:
            self._table.put_new(born)

    def _project_verdict(self, model: str, kind: str, verdict: VerdictInShort) -> None:
        """Copy a verdict in short onto its model, for the list of models, unless a newer one is there."""
        facts: dict[str, JsonValue] = {kind: verdict.to_json(), f"{kind}_at": verdict.updated_at}
        newer = f"attribute_exists(#pk) AND (attribute_not_exists(#{kind}_at) OR #{kind}_at <= :{kind}_at)"
        with suppress(ConditionFailedError):
            self._table.update(MODELS, model_key(model), facts, newer)
