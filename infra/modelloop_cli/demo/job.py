"""The demo, step by step: two real tables are trained on, served, monitored and retrained."""

from __future__ import annotations

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.versions.run import FAILED
from modelloop_cli.commands.training import follow_upload, upload_table
from modelloop_cli.console import count_noun, format_cell
from modelloop_cli.demo import tables, traffic
from modelloop_cli.demo.steps import Steps
from modelloop_cli.monitoring_view import drift_view, quality_view, summary_view
from modelloop_cli.run_view import metric_rows, run_panel
from modelloop_client.client import Client, Document
from modelloop_client.failures import CommandError
from modelloop_client.run_progress import RECENT, describe_stage, follow, require_success
from modelloop_client.uploads import write_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop_cli.console import Console
    from modelloop_cli.demo.tables import Example, Row
    from modelloop_cli.demo.traffic import AnsweredRow
    from modelloop_client.stacks import Stack

REAL_ROWS = 600
SHIFTED_ROWS = 900
LABELS = 200
TRAINED_WITHIN = 240.0
SUMMARIES_WITHIN = 120.0
LABELS_WITHIN = 60.0
RETRAINED_WITHIN = 60.0
POLL_SECONDS = 1.0


def run(console: Console, stack: Stack) -> Steps:
    """Take both tables through the loop and return the steps; a failed step ends its own table only."""
    steps = Steps(console)
    with Client(stack) as client, TemporaryDirectory() as folder:
        for example, whole_loop in ((tables.penguins(), True), (tables.diabetes(Path(folder)), False)):
            try:
                _ExampleLoop(steps, client, example).run(whole_loop=whole_loop)
            except Exception as error:  # noqa: BLE001  the step holds the failure; the summary shows it
                console.note(f"[red]The rest of {example.model} is skipped:[/] {type(error).__name__}")
    return steps


class _ExampleLoop:
    """One table's way through the loop."""

    def __init__(self, steps: Steps, client: Client, example: Example) -> None:
        self.steps = steps
        self.client = client
        self.example = example
        self.console = steps.console

    def run(self, *, whole_loop: bool) -> None:
        """Train, predict and send labels; with `whole_loop`, go on to drift, quality and retraining."""
        self.console.note(f"\n[bold]{self.example.title}[/]")
        self.show_metrics(self.train())
        self.predict()
        if not whole_loop:
            self.send_labels(self.send_traffic("Real traffic", traffic.draw(self.example, LABELS, seed=1)))
            return
        before = self.count_rows()
        real = self.send_traffic("Real traffic", traffic.draw(self.example, REAL_ROWS, seed=1))
        shifted = [self.example.shifted(row) for row in traffic.draw(self.example, SHIFTED_ROWS, seed=2)]
        self.console.note(f"From here on, {self.example.fault}.")
        self.send_traffic("Shifted traffic", shifted)
        self.send_labels(real[:LABELS])
        self.show_summary(before + REAL_ROWS + SHIFTED_ROWS)
        self.find_drift()
        if self.client.stack.endpoint_url is None:
            self.console.note("Labels count after a day on this stack; quality and retraining follow then.")
            return
        self.show_quality()
        self.follow_retraining()

    def train(self) -> Document:
        with self.steps.step(f"Train {self.example.model}") as step:
            changed = write_target(self.client.stack, keys.spec(self.example.model), self.example.target)
            sent = upload_table(self.console, self.client, self.example.model, self.example.file, force=changed)
            ended = follow_upload(self.console, self.client, self.example.model, sent, patience=TRAINED_WITHIN)
            require_success(ended)
            earlier = ", trained before" if sent.unchanged else ""
            step.outcome = f"version {ended['version']} of {self.example.file.name}{earlier}"
            return ended

    def show_metrics(self, ended: Document) -> None:
        with self.steps.step(f"Metrics of {self.example.model}") as step:
            self.console.show(ended, lambda: run_panel(ended))
            name, value, _, trivial = next(metric_rows(ended["metrics"]))
            step.outcome = f"holdout {name} {value:.4g}, trivial model {trivial:.4g}"

    def predict(self) -> None:
        with self.steps.step(f"Predict {self.example.model}") as step:
            row = self.example.rows()[0]
            answer = self.client.predict(self.example.model, [traffic.features(self.example, row)])
            self.console.note("Send the same request yourself:")
            self.console.out.print(
                traffic.curl(self.client, self.example, row), soft_wrap=True, markup=False, highlight=False
            )
            prediction, truth = answer["predictions"][0], row[self.example.target]
            step.outcome = f"predicted {format_cell(prediction)} for the first row; the table has {truth}"

    def send_traffic(self, name: str, rows: Sequence[Row]) -> list[AnsweredRow]:
        with self.steps.step(f"{name} to {self.example.model}") as step, self.console.progress() as bar:
            task = bar.add_task("Predicting", total=len(rows))
            started = time.monotonic()
            answers = traffic.send(self.client, self.example, rows, lambda count: bar.advance(task, count))
            seconds = time.monotonic() - started
            step.outcome = f"{count_noun(len(rows), 'row')} predicted, {len(rows) / seconds:,.0f} a second"
            return answers

    def send_labels(self, answers: Sequence[AnsweredRow]) -> None:
        with self.steps.step(f"Feedback to {self.example.model}") as step:
            accepted = traffic.label(self.client, self.example, answers)
            if not accepted:
                raise CommandError("no label was accepted")
            step.outcome = f"{count_noun(accepted, 'label')} accepted"

    def count_rows(self) -> int:
        """Return how many rows the summaries of the last 24 hours count."""
        return int(self.client.about(self.example.model, "summary")["rows"])

    def show_summary(self, expected: int) -> None:
        with self.steps.step(f"Summaries of {self.example.model}") as step:
            deadline = time.monotonic() + SUMMARIES_WITHIN
            with self.console.progress() as bar:
                task = bar.add_task("Counting captures", total=expected)
                while (rows := self.count_rows()) < expected:
                    bar.update(task, completed=rows)
                    if time.monotonic() > deadline:
                        raise CommandError(f"{rows} of {expected} rows were counted in {SUMMARIES_WITHIN:.0f} s")
                    time.sleep(POLL_SECONDS)
                bar.update(task, completed=rows)
            summary = self.client.about(self.example.model, "summary")
            self.console.show(summary, lambda: summary_view(summary))
            step.outcome = f"{count_noun(rows, 'row')} counted in 24 hours"

    def find_drift(self) -> None:
        with self.steps.step(f"Drift of {self.example.model}") as step:
            verdict = self.make_verdict()
            self.console.show(verdict, lambda: drift_view(verdict))
            drifted = [column["name"] for column in verdict["columns"] if column["drifted"]]
            if verdict["status"] != "drift" or self.example.shifted_column not in drifted:
                raise CommandError(f"the shift was not found: {verdict['status']}, columns {drifted or 'none'}")
            step.outcome = f"drifted: {', '.join(drifted)}"

    def show_quality(self) -> None:
        with self.steps.step(f"Quality of {self.example.model}") as step:
            deadline = time.monotonic() + LABELS_WITHIN
            while (quality := self.client.about(self.example.model, "quality"))["rows"] < LABELS:
                if time.monotonic() > deadline:
                    raise CommandError(f"{quality['rows']} of {LABELS} labels were joined in {LABELS_WITHIN:.0f} s")
                time.sleep(POLL_SECONDS)
                self.make_verdict()
            self.console.show(quality, lambda: quality_view(quality))
            self.console.note("Most of these rows were trained on, so the quality is better than on the holdout.")
            name, figure = next(iter(quality["metrics"].items()))
            step.outcome = f"{count_noun(quality['rows'], 'labelled row')}, {name} {format_cell(figure['value'])}"

    def follow_retraining(self) -> None:
        with self.steps.step(f"Retraining of {self.example.model}") as step, self.console.progress() as bar:
            task = bar.add_task("Waiting for the run", total=100)
            started = self.wait_for_retraining()
            ended = follow(
                self.client,
                self.example.model,
                started["run_id"],
                lambda now: bar.update(task, completed=now["percent"], description=describe_stage(now)),
                patience=TRAINED_WITHIN,
            )
            if ended["state"] == FAILED:
                raise CommandError(f"the run failed: {ended['reason']}")
            step.outcome = f"{ended['state']}: {ended['reason']}"

    def wait_for_retraining(self) -> Document:
        """Return the run that drift caused."""
        deadline = time.monotonic() + RETRAINED_WITHIN
        while time.monotonic() < deadline:
            recent = self.client.runs(self.example.model, RECENT)
            if started := next((item for item in recent if item["cause"] == "drift"), None):
                return started
            time.sleep(POLL_SECONDS)
        raise CommandError(f"the data drifted, and no run started within {RETRAINED_WITHIN:.0f} s")

    def make_verdict(self) -> Document:
        """Make the verdicts now, before the schedule would, and return the one on drift."""
        stack = self.client.stack
        answer = stack.aws("lambda").invoke(
            FunctionName=stack.outputs["VerdictFunction"],
            Payload=json.dumps({"model": self.example.model}).encode(),
        )
        if "FunctionError" in answer:
            raise CommandError(f"the verdict failed: {answer['Payload'].read()[:500]!r}")
        return self.client.about(self.example.model, "drift")
