#!/usr/bin/env bash
# Print a Python (3.13, or the version that is named) that really runs. A version manager may put a `python3.13` on PATH
# that only says it is not selected, so each candidate is asked to run; then the newest that the version manager holds.
set -euo pipefail

version="${1:-3.13}"

runs() {
  "$1" -c "import ensurepip, sys, venv; raise SystemExit(sys.version_info[:2] != (${version/./, }))" >/dev/null 2>&1
}

candidates=("python$version" python3)
while IFS= read -r found; do
  candidates+=("$found/bin/python$version")
done < <(ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version"* 2>/dev/null | sort -rV)

for candidate in "${candidates[@]}"; do
  if runs "$candidate"; then
    command -v "$candidate"
    exit 0
  fi
done

echo "Python $version is needed: install it (your system's package manager, or 'pyenv install $version') and try again." >&2
exit 1
