#!/usr/bin/env bash
# Make .local/torch: a Python with a CPU build of PyTorch, for the test that brings a model of it, where one can be had.
# The lock names a +cpu build of Python 3.11 by its digest, so that nothing else is ever installed. pip finds it where its
# own configuration (index, find-links) says; where it finds none, nothing is made and the test says that it is skipped.
set -euo pipefail
cd "$(dirname "$0")/../../.."

lock=tests/support/torch/requirements.txt
home=.local/torch
stamp="$home/installed"

if [[ -f $stamp ]] && cmp -s "$lock" "$stamp"; then
  exit 0
fi
if ! python="$(bash infra/modelloop_stack/build/find-python.sh 3.11 2>/dev/null)"; then
  echo "no CPU build of PyTorch: there is no Python 3.11; its test is skipped"
  exit 0
fi

rm -rf "$home"
"$python" -m venv "$home"
pip=("$home/bin/python" -m pip --quiet --disable-pip-version-check)
options=(--no-deps --only-binary :all: --require-hashes -r "$lock")
if ! "${pip[@]}" download "${options[@]}" --dest "$home/wheels" 2>"$home/why"; then
  tail -n 1 "$home/why" >&2
  rm -rf "$home"
  echo "no CPU build of PyTorch: pip cannot find what $lock names; its test is skipped"
  exit 0
fi
"${pip[@]}" install --no-index --find-links "$home/wheels" "${options[@]}"
rm -rf "$home/wheels" "$home/why"
"$home/bin/python" -c 'import torch; raise SystemExit(torch.version.cuda is not None)'
cp "$lock" "$stamp"
