"""All requests of the corpus, and the page that lists them; `python -m tests.support.requests.corpus` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.requests import csv, mlflow, oip, refused

if TYPE_CHECKING:
    from tests.support.requests.case import Case

CASES: tuple[Case, ...] = (*mlflow.CASES, *csv.CASES, *oip.CASES, *refused.CASES)
PAGE = Path(__file__).parents[3] / "infra" / "docs" / "requests.md"
HEAD = """# Requests that are read

What clients send, and what is answered: every line is sent to a model in the tests, and the values that reach the model
are compared. The model has the columns `mass` (number), `island` (text), `day` (date), `tagged` (boolean) and, as an
optional one, `weight` (number). [Routes](routes.md) says what the forms are, [errors](errors.md) what the codes mean.

`python -m tests.support.requests.corpus` writes this page.

"""


def page() -> str:
    """Return the page of the corpus."""
    answered = [case for case in CASES if case.status == 200]
    refusals = [case for case in CASES if case.status != 200]
    lines = ["## Answered", "", "| Client | Sends | Route | Answer |", "|---|---|---|---|"]
    lines += [f"| {case.client} | {_cell(case.sends)} | {_route(case)} | {_answer(case)} |" for case in answered]
    lines += ["", "## Refused", "", "| Client | Sends | Route | Status | The message says |", "|---|---|---|---|---|"]
    lines += [
        f"| {case.client} | {_cell(case.sends)} | {_route(case)} | {case.status} | {_cell(case.said)} |"
        for case in refusals
    ]
    return HEAD + "\n".join(lines) + "\n"


def _route(case: Case) -> str:
    return case.route.rpartition("/")[2]


def _answer(case: Case) -> str:
    labels = ", ".join(case.labels)
    return labels if case.unseen is None else f"{labels}; `unseen` names {', '.join(case.unseen)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
