#!/usr/bin/env bash
# Print a Python 3.13 that really runs. A version manager may put a `python3.13` on PATH that only says it is not
# selected, so each candidate is asked to run; then the newest 3.13 that the version manager holds.
set -euo pipefail

runs() {
  "$1" -c 'import sys, venv; raise SystemExit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1
}

candidates=(python3.13 python3)
while IFS= read -r found; do
  candidates+=("$found/bin/python3.13")
done < <(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13* 2>/dev/null | sort -rV)

for candidate in "${candidates[@]}"; do
  if runs "$candidate"; then
    command -v "$candidate"
    exit 0
  fi
done

echo "Python 3.13 is needed: install it (your system's package manager, or 'pyenv install 3.13') and try again." >&2
exit 1
