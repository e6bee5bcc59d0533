#!/usr/bin/env bash
# The whole check, in the order in which a mistake is cheapest to find. Stops at the first red one.
set -euo pipefail
BIN=${BIN:-.venv/bin}
PATH=$PWD/$BIN:$PATH

step() { printf '\n== %s\n' "$1"; shift; "$@"; }

generated_code_is_current() {
  python tools/gen_proto.py
  git diff --exit-code --stat -- conductor_proto || { echo "conductor_proto/ differs from proto/: commit the result of 'make proto'"; return 1; }
}

# Against the wire of the newest release, which is committed: `make baseline` moves it, as part of a release.
wire_is_compatible() { buf breaking --against proto/baseline.binpb; }

step "format"            ruff format --check -q .
step "lint"              ruff check -q .
step "types"             mypy
step "import contracts"  lint-imports --no-logo
step "proto lint"        buf lint
step "proto format"      buf format --diff --exit-code
step "proto breaking"    wire_is_compatible
step "generated code"    generated_code_is_current
step "tests"             python -m pytest "$@"
