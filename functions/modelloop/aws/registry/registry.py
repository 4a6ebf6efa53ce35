"""The registry: what people and the judge ask about models, runs, versions, verdicts and past actions.

One table, keys `pk` and `sk`; every request path is a get or a query of one partition, never a scan:

| pk        | sk                    | holds                                        | read for                        |
|-----------|-----------------------|----------------------------------------------|---------------------------------|
| MODELS    | MODEL#<model>         | name, dates, projections                     | list of models, one model       |
| MODEL#<m> | RUN#<run id>          | a run; ids rise with time                    | runs, newest first; one run     |
| MODEL#<m> | RUNKEY#<digest>       | the run id that owns dataset, spec and cause | creation: a run exists once     |
| MODEL#<m> | VERSION#<8 digits>    | facts: gate, approval, rejection, retirement | versions, newest first; one     |
| MODEL#<m> | RUNVERSION#<run id>   | the version number bound to a run            | registration: bound once        |
| MODEL#<m> | COUNTER               | the last version number given out            | registration                    |
| MODEL#<m> | AUDIT#<id>            | who did what, when, why; ids rise with time  | audit log, newest first         |
| MODEL#<m> | SEQ#<digest of key>   | the newest S3 sequencer of an object key     | intake: older events are stale  |
| MODEL#<m> | VERDICT#<kind>#<time> | a verdict on drift, quality or the rollout   | history, newest first           |
| MODEL#<m> | LATEST#<kind>         | the newest verdict of its kind               | drift, quality, judge           |
| MODEL#<m> | STATE#<kind>          | loop state: traffic, activity, alerts,       | the next tick, Prometheus       |
|           |                       | retrain, rollout; the newest alone           |                                 |

Facts live here and roles in the serving pointer alone; the pointer's fields on a model are a copy that
`project_pointer` refreshes and never moves backwards. So are the newest verdicts in short, which `put_verdict` copies.

Each part of the class has its own module: models, runs, versions, audit, verdicts (with loop state).
"""

from __future__ import annotations

from hashlib import sha256

from modelloop.aws.registry.audit import AuditRecords
from modelloop.aws.registry.records import model_key
from modelloop.aws.registry.runs import RunRecords
from modelloop.aws.registry.table import ConditionFailedError
from modelloop.aws.registry.verdicts import VerdictRecords
from modelloop.aws.registry.versions import VersionRecords

_SEQUENCER_DIGITS = 64


class Registry(RunRecords, VersionRecords, AuditRecords, VerdictRecords):
    """Models, runs, versions, the audit log, verdicts and loop state in one table; every write is safe to repeat."""

    def advance_sequencer(self, model: str, object_key: str, sequencer: str) -> bool:
        """Store an event's S3 sequencer for its key; False when a newer event was seen before."""
        sort_key = f"SEQ#{sha256(object_key.encode()).hexdigest()}"
        newest = sequencer.lower().ljust(_SEQUENCER_DIGITS, "0")
        try:
            self._table.update(
                model_key(model),
                sort_key,
                {"sequencer": newest, "object_key": object_key},
                "attribute_not_exists(#sequencer) OR #sequencer <= :sequencer",
            )
        except ConditionFailedError:
            return False
        return True
