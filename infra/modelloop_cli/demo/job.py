"""The main job, station by station."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.versions.run import FAILED
from modelloop_cli.commands.training import deliver, watch
from modelloop_cli.demo import tables, traffic
from modelloop_cli.demo.journey import Journey
from modelloop_cli.reports import metric_rows, run_panel
from modelloop_cli.screen import cell
from modelloop_cli.watching import drift_view, quality_view, summary_view
from modelloop_client.client import Client, Document
from modelloop_client.failures import CommandError
from modelloop_client.following import RECENT, follow, require_success, stage
from modelloop_client.uploads import write_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop_cli.demo.tables import Example, Row
    from modelloop_cli.demo.traffic import Answered
    from modelloop_cli.screen import Screen
    from modelloop_client.target import Stack

REAL_ROWS = 600
SHIFTED_ROWS = 900
LABELS = 200
TRAINED_WITHIN = 240.0
SUMMARIES_WITHIN = 120.0
LABELS_WITHIN = 60.0
RETRAINED_WITHIN = 60.0
POLL_SECONDS = 1.0


def run(screen: Screen, stack: Stack) -> Journey:
    """Take both tables through the loop; a failed station ends its own table's journey, not the other's."""
    journey = Journey(screen)
    with Client(stack) as client, TemporaryDirectory() as folder:
        for example, whole in ((tables.penguins(), True), (tables.diabetes(Path(folder)), False)):
            try:
                _Job(journey, client, example).ride(whole=whole)
            except Exception as error:  # noqa: BLE001  the station holds the failure; the summary shows it
                screen.note(f"[red]The rest of {example.model} is skipped:[/] {type(error).__name__}")
    return journey


class _Job:
    def __init__(self, journey: Journey, client: Client, example: Example) -> None:
        self.journey = journey
        self.client = client
        self.example = example
        self.screen = journey.screen

    def ride(self, *, whole: bool) -> None:
        self.screen.note(f"\n[bold]{self.example.title}[/]")
        self.measure(self.train())
        self.predict()
        if not whole:
            self.label(self.traffic("Real traffic", traffic.draw(self.example, LABELS, seed=1)))
            return
        before = self.rows_seen()
        real = self.traffic("Real traffic", traffic.draw(self.example, REAL_ROWS, seed=1))
        shifted = [self.example.shifted(row) for row in traffic.draw(self.example, SHIFTED_ROWS, seed=2)]
        self.screen.note(f"From here on, {self.example.mishap}.")
        self.traffic("Shifted traffic", shifted)
        self.label(real[:LABELS])
        self.summarise(before + REAL_ROWS + SHIFTED_ROWS)
        self.judge()
        if self.client.stack.endpoint_url is None:
            self.screen.note("Labels take a day to count here; quality and retraining follow then.")
            return
        self.appraise()
        self.relearn()

    def train(self) -> Document:
        with self.journey.station(f"Train {self.example.model}") as station:
            changed = write_target(self.client.stack, keys.spec(self.example.model), self.example.target)
            sent = deliver(self.screen, self.client, self.example.model, self.example.file, force=changed)
            done = watch(self.screen, self.client, self.example.model, sent, patience=TRAINED_WITHIN)
            require_success(done)
            known = ", known from before" if sent.unchanged else ""
            station.outcome = f"version {done['version']} of {self.example.file.name}{known}"
            return done

    def measure(self, done: Document) -> None:
        with self.journey.station(f"Measure {self.example.model}") as station:
            self.screen.show(done, lambda: run_panel(done))
            name, value, _, trivial = next(metric_rows(done["metrics"]))
            station.outcome = f"holdout {name} {value:.4g}, trivial model {trivial:.4g}"

    def predict(self) -> None:
        with self.journey.station(f"Predict {self.example.model}") as station:
            row = self.example.rows()[0]
            answer = self.client.predict(self.example.model, [traffic.features(self.example, row)])
            self.screen.note("Ask it yourself:")
            self.screen.out.print(
                traffic.curl(self.client, self.example, row), soft_wrap=True, markup=False, highlight=False
            )
            said, true = answer["predictions"][0], row[self.example.target]
            station.outcome = f"the first row is {cell(said)}; the table says {true}"

    def traffic(self, name: str, rows: Sequence[Row]) -> list[Answered]:
        with self.journey.station(f"{name} to {self.example.model}") as station, self.screen.progress() as bar:
            task = bar.add_task("Predicting", total=len(rows))
            started = time.monotonic()
            answers = traffic.send(self.client, self.example, rows, lambda done: bar.advance(task, done))
            took = time.monotonic() - started
            station.outcome = f"{len(rows)} rows answered, {len(rows) / took:,.0f} rows/s through the API"
            return answers

    def label(self, answers: Sequence[Answered]) -> None:
        with self.journey.station(f"Feedback to {self.example.model}") as station:
            accepted = traffic.label(self.client, self.example, answers)
            if not accepted:
                raise CommandError("no label was accepted")
            station.outcome = f"{accepted} labels accepted"

    def rows_seen(self) -> int:
        return int(self.client.about(self.example.model, "summary")["rows"])

    def summarise(self, expected: int) -> None:
        with self.journey.station(f"Summaries of {self.example.model}") as station:
            deadline = time.monotonic() + SUMMARIES_WITHIN
            with self.screen.progress() as bar:
                task = bar.add_task("Captures become summaries", total=expected)
                while (seen := self.rows_seen()) < expected:
                    bar.update(task, completed=seen)
                    if time.monotonic() > deadline:
                        raise CommandError(f"{seen} of {expected} rows were summarised in {SUMMARIES_WITHIN:.0f} s")
                    time.sleep(POLL_SECONDS)
                bar.update(task, completed=seen)
            found = self.client.about(self.example.model, "summary")
            self.screen.show(found, lambda: summary_view(found))
            station.outcome = f"{seen} rows counted in 24 hours"

    def judge(self) -> None:
        with self.journey.station(f"Drift of {self.example.model}") as station:
            verdict = self.verdict()
            self.screen.show(verdict, lambda: drift_view(verdict))
            drifted = [column["name"] for column in verdict["columns"] if column["drifted"]]
            if verdict["status"] != "drift" or self.example.shifted_column not in drifted:
                raise CommandError(f"the shift was not found: {verdict['status']}, columns {drifted or 'none'}")
            station.outcome = f"{verdict['status']} in {', '.join(drifted)}"

    def appraise(self) -> None:
        with self.journey.station(f"Quality of {self.example.model}") as station:
            deadline = time.monotonic() + LABELS_WITHIN
            while (found := self.quality())["rows"] < LABELS:
                if time.monotonic() > deadline:
                    raise CommandError(f"{found['rows']} of {LABELS} labels were joined in {LABELS_WITHIN:.0f} s")
                time.sleep(POLL_SECONDS)
                self.verdict()
            self.screen.show(found, lambda: quality_view(found))
            self.screen.note("These rows are the table's own: most were trained on, so expect better than the holdout.")
            name, figure = next(iter(found["metrics"].items()))
            station.outcome = f"{found['rows']} labelled rows, {name} {cell(figure['value'])}"

    def relearn(self) -> None:
        with self.journey.station(f"Retraining of {self.example.model}") as station, self.screen.progress() as bar:
            task = bar.add_task("Waiting for the run", total=100)
            run = self.run_of_drift()
            done = follow(
                self.client,
                self.example.model,
                run["run_id"],
                lambda now: bar.update(task, completed=now["percent"], description=stage(now)),
                patience=TRAINED_WITHIN,
            )
            if done["state"] == FAILED:
                raise CommandError(f"the run failed: {done['reason']}")
            station.outcome = f"{done['state']}: {done['reason']}"

    def run_of_drift(self) -> Document:
        deadline = time.monotonic() + RETRAINED_WITHIN
        while time.monotonic() < deadline:
            runs = self.client.runs(self.example.model, RECENT)
            if found := next((run for run in runs if run["cause"] == "drift"), None):
                return found
            time.sleep(POLL_SECONDS)
        raise CommandError(f"drift was found, and no run started within {RETRAINED_WITHIN:.0f} s")

    def quality(self) -> Document:
        return self.client.about(self.example.model, "quality")

    def verdict(self) -> Document:
        """Ask for a verdict now rather than at the next tick of the schedule."""
        stack = self.client.stack
        answer = stack.aws("lambda").invoke(
            FunctionName=stack.outputs["VerdictFunction"],
            Payload=json.dumps({"model": self.example.model}).encode(),
        )
        if "FunctionError" in answer:
            raise CommandError(f"the verdict failed: {answer['Payload'].read()[:500]!r}")
        return self.client.about(self.example.model, "drift")
