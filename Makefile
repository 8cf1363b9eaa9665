# Every target sets itself up: the only requirement is Python 3.11 or newer.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := harness leaderboard rstar tasks
OLDEST := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help venv demo tiny evolve-tiny test test-slow check format soak clean \
	bench-answers bench-interpreter bench-search bench-engine bench-statistics

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP)  ## Create .venv and install the pinned packages (a second call is instant)

# The stamp is newer than both files exactly when the environment matches them. PYTHON=... picks another interpreter.
$(STAMP): pyproject.toml constraints.txt
	@python=""; for name in $(PYTHON) python3.11 python3.12 python3.13 python3 python; do \
	    if "$$name" -c '$(OLDEST)' 2>/dev/null; then python="$$name"; break; fi; done; \
	if [ -z "$$python" ]; then \
	    echo "error: found no Python 3.11 or newer with the venv module on PATH; install one (on Debian or Ubuntu:" \
	         "python3-venv) or run 'make PYTHON=/path/to/python3.11 ...'" >&2; exit 2; fi; \
	echo "Setting up $(VENV) with $$("$$python" --version); a few minutes on the first call."; \
	[ -x $(BIN)/python ] || "$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,search,train]'
	@touch $@

demo: $(STAMP)  ## Search a small task with the package's own models: table, curve and records, in minutes
	$(BIN)/rstar demo

tiny: $(STAMP)  ## Make the package's own models again from nothing, in build/tiny (about half an hour)
	$(BIN)/rstar train tiny --out build/tiny

evolve-tiny: $(STAMP)  ## Four rounds of self-evolution from nothing, in build/evolution/tiny (about an hour)
	$(BIN)/rstar evolve --preset tiny --out build/evolution/tiny

test: $(STAMP)  ## All tests but the slow ones (no network, no GPU)
	$(BIN)/python -m pytest

test-slow: $(STAMP)  ## The slow tests only
	$(BIN)/python -m pytest -m slow

check: $(STAMP)  ## Format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(STAMP)  ## Rewrite the files in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-answers: $(STAMP)  ## Accuracy and speed of the answer checker, beside Math-Verify's
	$(BIN)/python tests/benchmarks/answers.py

bench-interpreter: $(STAMP)  ## Rates of the step interpreter, beside a bare fork and a fresh Python
	$(BIN)/python tests/benchmarks/interpreter.py

bench-search: $(STAMP)  ## Cost of the search itself on a scripted policy (POLICY=path/to/fake_policy.py)
	$(BIN)/python tests/benchmarks/search.py $(if $(POLICY),--fake-policy $(POLICY))

bench-engine: $(STAMP)  ## The transformers engine beside model.generate
	$(BIN)/python tests/benchmarks/engine.py

bench-statistics: $(STAMP)  ## Coverage of the intervals, exact expectations, error rates of the gate
	$(BIN)/python tests/benchmarks/coverage.py --simulations 500
	$(BIN)/python tests/benchmarks/expectations.py
	$(BIN)/python tests/benchmarks/gate.py --rounds 200

soak: $(STAMP)  ## 100,000 executions while processes are killed at random; nothing may leak
	$(BIN)/python tests/benchmarks/soak_interpreter.py

clean:  ## Remove the environment and every generated file
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
