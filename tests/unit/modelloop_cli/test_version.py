from __future__ import annotations

from importlib.metadata import version

from typer.testing import CliRunner

import modelloop
from modelloop_cli.main import app


def test_the_version_is_told_and_written_in_one_place() -> None:
    told = CliRunner().invoke(app, ["--version"])

    assert (told.exit_code, told.output) == (0, f"modelloop {modelloop.__version__}\n")
    assert version("modelloop") == modelloop.__version__
