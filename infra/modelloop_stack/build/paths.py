"""Where the build reads and writes."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILT = ROOT / ".aws-sam" / "build"
CACHE = ROOT / ".local" / "cache"
ENVIRONMENT = ROOT / ".venv"
UV = ENVIRONMENT / "bin" / "uv"
PYTHON = ENVIRONMENT / "bin" / "python"
