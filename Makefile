# Everything a person does with this checkout. Each target sets up what it needs: no other preparation.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Most tests wait for processes: two of them at a time leave a core less idle.
SHARED := -n logical --maxprocesses 4 --dist worksteal
PEERS  := $(VENV)/.peers-installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak reliability check format proto baseline bench figures clean

help:            ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## create .venv with everything in it

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Conductor needs Python 3.11 or newer; set PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)   ## a night of real flights, end to end (ARGS=--keep leaves it running)
	@$(BIN)/python examples/flights/demo.py $(ARGS)

test: $(STAMP)   ## all tests (ARGS is passed on to pytest)
	@$(BIN)/python -m pytest $(SHARED) $(ARGS)

soak: $(STAMP)   ## the matrix of faults, and the night of real flights under SIGKILL: half an hour (CONDUCTOR_SOAK_SEED, CONDUCTOR_FAULTS)
	@$(BIN)/python -m pytest -m soak -s $(ARGS)

reliability: $(STAMP) ## docs/reliability.md, of what the matrix of faults has found last
	@$(BIN)/python -m tests.faults.page

check: $(STAMP)  ## what CI runs: format, lint, types, contracts, wire, generated code, tests
	@BIN=$(BIN) tools/check.sh $(SHARED)

format: $(STAMP) ## rewrite the sources in the one format
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix . && $(BIN)/buf format -w

proto: $(STAMP)  ## regenerate conductor_proto/ from proto/
	@PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python tools/gen_proto.py

baseline: $(STAMP) ## freeze the wire and the tables of a release, which later ones must be able to live with
	@$(BIN)/buf build --exclude-source-info -o proto/baseline.binpb
	@$(BIN)/python -W ignore -m tests.upgrades.freeze

$(PEERS): $(STAMP)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode -c constraints.txt -e '.[bench]'
	@touch $@

bench: $(PEERS)  ## benchmarks, as ratios to raw limits and peers in the same run (ARGS="--only NAME -o json")
	@GRPC_ENABLE_FORK_SUPPORT=0 $(BIN)/python -m benchmarks $(ARGS)

figures: $(PEERS) ## measure all of it, and make docs/benchmarks.md and docs/explanation/scale.md: half an hour, on an idle machine
	@GRPC_ENABLE_FORK_SUPPORT=0 $(BIN)/python -m benchmarks $(ARGS) || test $$? -eq 1  # which is a target missed
	@$(BIN)/python -m benchmarks.page

clean:           ## remove what the targets made
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
