from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.progress import peak_mb

if TYPE_CHECKING:
    from pathlib import Path


def test_the_peak_is_what_the_kernel_tells(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmPeak:\t 9000000 kB\nVmHWM:\t  660000 kB\nVmRSS:\t  200000 kB\n")
    assert peak_mb(status) == 676


def test_where_no_kernel_tells_nobody_knows(tmp_path: Path) -> None:
    assert peak_mb(tmp_path / "status") is None
