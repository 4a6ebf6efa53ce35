"""The page of a report: styles, sections, data, the chart library and the script that draws."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import orjson

from modelloop.versions.gate import REJECT
from trainer.report.figures import allowed
from trainer.report.markup import number, text
from trainer.report.names import NAMES
from trainer.report.sections import compared, margin_of, sections
from trainer.report.summary import summary

if TYPE_CHECKING:
    from modelloop.contracts.manifest import Manifest

HERE = Path(__file__).parent
DECISIONS = {"release": "released by the gate", "approve": "needs approval", "reject": "refused by the gate"}
MAX_IMPORTANCE_COLUMNS = 25


def render(manifest: Manifest) -> bytes:
    """Return the report of a manifest as an HTML page in UTF-8.

    The manifest's `files` and `golden` are not needed; of a model that the gate refused, neither are `version` and
    `replay`.
    """
    decision = manifest.gate.decision
    page = Template(_read("page.html")).substitute(
        title=text(f"{manifest.model} {_subject(manifest)}"),
        model=text(manifest.model),
        version=text(_subject(manifest)),
        made=text(f"{manifest.created_at[:16].replace('T', ' ')} UTC"),
        about=_about(manifest),
        summary=text(summary(manifest)),
        decision=text(decision),
        verdict=text(DECISIONS.get(decision, decision)),
        tiles=_tiles(manifest),
        sections=sections(manifest),
        data=_data(manifest),
        style=_read("charts/theme.css") + _read("page.css"),
        library=_read("charts/chart.umd.min.js"),
        script=_read("charts/charts.js") + _read("page.js"),  # one module, so page.js calls charts.js by name
    )
    return page.encode()


def _subject(manifest: Manifest) -> str:
    """Return what the page is about: a version, or the run whose model did not become one."""
    return f"run {manifest.run_id}" if manifest.gate.decision == REJECT else f"version {manifest.version}"


def _about(manifest: Manifest) -> str:
    classes = f" into {len(manifest.classes)} classes" if manifest.classes else ""
    return f"{text(manifest.task)} of <strong>{text(manifest.target)}</strong>{classes}"


def _tiles(manifest: Manifest) -> str:
    tiles = []
    for name, metric in list(manifest.metrics.holdout.items())[:4]:
        trivial = (manifest.metrics.trivial.get(name) or {}).get("value")
        tiles.append(
            f'<div class="tile"><span>{text(NAMES.get(name, name))}</span><strong>{number(metric["value"], 3)}</strong>'
            f"<small>trivial model {number(trivial, 3)}</small></div>"
        )
    return "".join(tiles)


def _data(manifest: Manifest) -> str:
    """Return what the charts show as JSON, without the `<` that could end the script element around it."""
    document, margin = manifest.diagnostics.to_json(), margin_of(manifest)
    data = {
        "calibration": document["calibration"],
        "curves": document["curves"],
        "importance": manifest.diagnostics.importance[:MAX_IMPORTANCE_COLUMNS],
        "comparisons": [asdict(entry) | {"allowed": allowed(entry, margin)} for entry in compared(manifest)],
    }
    return orjson.dumps(data).decode().replace("<", "\\u003c")


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
