"""The page of a report: styles, sections, data, the chart library and the script that draws."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any

import orjson

from trainer.report.markup import number, text
from trainer.report.sections import NAMES, compared, sections

HERE = Path(__file__).parent
DECISIONS = {"release": "released by the gate", "approve": "needs approval", "reject": "refused by the gate"}
MAX_IMPORTANCE_COLUMNS = 25


def render(manifest: dict[str, Any]) -> bytes:
    """Return the report of a manifest as an HTML page in UTF-8.

    The manifest's `files` and `golden` are not needed. A model that the gate refused has `version` None and an empty
    `replay`.
    """
    decision = manifest["gate"]["decision"]
    page = Template(_read("page.html")).substitute(
        title=text(f"{manifest['model']} {_subject(manifest)}"),
        model=text(manifest["model"]),
        version=text(_subject(manifest)),
        made=text(f"{manifest['created_at'][:16].replace('T', ' ')} UTC"),
        about=_about(manifest),
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


def _subject(manifest: dict[str, Any]) -> str:
    """Return what the page is about: a version, or the run whose model did not become one."""
    version = manifest["version"]
    return f"run {manifest['run_id']}" if version is None else f"version {version}"


def _about(manifest: dict[str, Any]) -> str:
    classes = f" into {len(manifest['classes'])} classes" if manifest["classes"] else ""
    return f"{text(manifest['task'])} of <strong>{text(manifest['target'])}</strong>{classes}"


def _tiles(manifest: dict[str, Any]) -> str:
    tiles = []
    for name, metric in list(manifest["metrics"]["holdout"].items())[:4]:
        trivial = (manifest["metrics"]["trivial"].get(name) or {}).get("value")
        tiles.append(
            f'<div class="tile"><span>{text(NAMES.get(name, name))}</span><strong>{number(metric["value"], 3)}</strong>'
            f"<small>trivial model {number(trivial, 3)}</small></div>"
        )
    return "".join(tiles)


def _data(manifest: dict[str, Any]) -> str:
    """Return what the charts show as JSON, without the `<` that could end the script element around it."""
    data = {
        "calibration": manifest.get("calibration"),
        "curves": manifest["curves"],
        "importance": (manifest.get("importance") or [])[:MAX_IMPORTANCE_COLUMNS],
        "comparisons": compared(manifest),
    }
    return orjson.dumps(data).decode().replace("<", "\\u003c")


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
