"""Put the page together: styles, sections, data, the chart library and the script that draws."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any

import orjson

from trainer.report.markup import number, text
from trainer.report.sections import NAMES, compared, sections

HERE = Path(__file__).parent
DECISIONS = {"release": "released by the gate", "approve": "waits for approval", "reject": "refused by the gate"}
MOST_COLUMNS = 25


def render(manifest: dict[str, Any]) -> bytes:
    """Return the report of a manifest (its `files` and `golden` are not needed) as an HTML page.

    What the gate refused has no `version` (None) and an empty `replay`.
    """
    decision = manifest["gate"]["decision"]
    page = Template(_read("page.html")).substitute(
        title=text(f"{manifest['model']} {_made(manifest)}"),
        model=text(manifest["model"]),
        version=text(_made(manifest)),
        made=text(f"{manifest['created_at'][:16].replace('T', ' ')} UTC"),
        about=_about(manifest),
        decision=text(decision),
        verdict=text(DECISIONS.get(decision, decision)),
        tiles=_tiles(manifest),
        sections=sections(manifest),
        data=_data(manifest),
        style=_read("page.css"),
        library=_read("vendor/chart.umd.min.js"),
        script=_read("page.js"),
    )
    return page.encode()


def _made(manifest: dict[str, Any]) -> str:
    """Return what the page is about: a version, or the run whose model did not become one."""
    number = manifest["version"]
    return f"run {manifest['run_id']}" if number is None else f"version {number}"


def _about(manifest: dict[str, Any]) -> str:
    classes = f" into {len(manifest['classes'])} classes" if manifest["classes"] else ""
    return f"{text(manifest['task'])} of <strong>{text(manifest['target'])}</strong>{classes}"


def _tiles(manifest: dict[str, Any]) -> str:
    found = []
    for name, metric in list(manifest["metrics"]["holdout"].items())[:4]:
        beside = (manifest["metrics"]["trivial"].get(name) or {}).get("value")
        found.append(
            f'<div class="tile"><span>{text(NAMES.get(name, name))}</span><strong>{number(metric["value"], 3)}</strong>'
            f"<small>trivial model {number(beside, 3)}</small></div>"
        )
    return "".join(found)


def _data(manifest: dict[str, Any]) -> str:
    """Return what the charts show as JSON that cannot end its script element."""
    data = {
        "calibration": manifest.get("calibration"),
        "curves": manifest["curves"],
        "importance": (manifest.get("importance") or [])[:MOST_COLUMNS],
        "comparisons": compared(manifest),
    }
    return orjson.dumps(data).decode().replace("<", "\\u003c")


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
