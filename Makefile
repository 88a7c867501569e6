# Everything a developer or CI does. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
UI := web_edge/ui
# Node comes from PyPI into the environment where the machine has none.
export PATH := $(PATH):$(CURDIR)/$(BIN)
STAMPS := .venv/stamps

.PHONY: help run setup test lint format generate check-generated ui models demo torch train triton triton-environment s3-environment bench soak lock baseline clean

help: ## List what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# --- environment -------------------------------------------------------------------------------------------------------

$(STAMPS)/bootstrap: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older (make PYTHON=python3.12)"; exit 1; }
	@echo "→ creating .venv"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/node: $(STAMPS)/bootstrap requirements/node.txt
	@command -v npm >/dev/null || { echo "→ no npm here: taking Node from PyPI"; $(BIN)/uv pip install --quiet --require-hashes -r requirements/node.txt; }
	touch $@

$(STAMPS)/run: $(STAMPS)/bootstrap requirements/run.txt pyproject.toml
	@echo "→ installing what the product needs"
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(STAMPS)/dev: $(STAMPS)/run requirements/dev.txt
	@echo "→ installing what development needs"
	$(BIN)/uv pip install --quiet --require-hashes -r requirements/dev.txt
	touch $@

$(STAMPS)/torch: $(STAMPS)/dev
	@echo "→ installing torch and demucs: training the guitar model and holding graphs to their originals need them"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 demucs==4.1.0
	touch $@

torch: $(STAMPS)/torch ## What training the guitar model and exporting Demucs need; nothing else does

train: $(STAMPS)/torch ## Train the guitar model anew, about an hour on two cores (ARGS="--minutes 55")
	$(BIN)/python -m inference.training.train $(ARGS)
	$(BIN)/python -m inference.export.guitar var/training/run/network.pt

.venv-triton/stamp: $(STAMPS)/bootstrap requirements/triton.txt
	@echo "→ installing NVIDIA's tritonserver into .venv-triton"
	test -x .venv-triton/bin/python || $(PYTHON) -m venv .venv-triton
	$(BIN)/uv pip install --quiet --python .venv-triton/bin/python --require-hashes -r requirements/triton.txt
	touch $@

triton-environment: .venv-triton/stamp ## The real tritonserver, in an environment of its own

.venv-s3/stamp: $(STAMPS)/bootstrap requirements/s3.txt
	@echo "→ installing a server that speaks S3 into .venv-s3"
	test -x .venv-s3/bin/python || $(PYTHON) -m venv .venv-s3
	$(BIN)/uv pip install --quiet --python .venv-s3/bin/python --require-hashes -r requirements/s3.txt
	touch $@

s3-environment: .venv-s3/stamp ## A server that speaks S3, for the tests of recordings in a bucket

triton: .venv-triton/stamp models ## Serve model_repo/ with it at 127.0.0.1:8001 (ARGS="--grpc-port 9001"); then GENESIS_TRITON=127.0.0.1:8001 make run
	exec .venv-triton/bin/python deploy/triton/serve.py $(ARGS)

# --- what is built, never committed ------------------------------------------------------------------------------------

$(STAMPS)/ui-modules: $(STAMPS)/node $(UI)/package-lock.json
	@echo "→ installing what the page needs"
	cd $(UI) && npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(UI)/dist/index.html: $(STAMPS)/ui-modules $(shell find $(UI)/src $(UI)/index.html $(UI)/vite.config.ts -type f 2>/dev/null)
	@echo "→ building the page"
	cd $(UI) && npm run --silent build -- --logLevel warn
	touch $@

ui: $(UI)/dist/index.html ## Build the page

models: $(STAMPS)/run ## Build model_repo/ (quick when it is there)
	$(BIN)/genesis models build

demo: $(STAMPS)/run $(STAMPS)/node ## Render the demo piece (quick when it is there)
	$(BIN)/genesis demo build

# --- the two commands of the README ------------------------------------------------------------------------------------

run: $(STAMPS)/run ui models demo ## Set everything up and serve on this machine
	exec $(BIN)/genesis serve $(ARGS)

setup: $(STAMPS)/dev ui models demo ## A .venv with everything that run, test, lint and bench need

test: setup ## All checks and tests (ARGS="-k name" for some; ARGS=--cov for a coverage report, a fifth slower)
	@$(MAKE) --no-print-directory lint
	cd $(UI) && npm test --silent
	@# Exit status 5: ARGS has chosen none of these.
	$(BIN)/pytest -q --durations=10 -n 2 --dist loadfile -m "not alone" $(ARGS) || [ $$? = 5 ]
	$(BIN)/pytest -q --durations=10 -m alone --cov-append $(ARGS) || [ $$? = 5 ]

# --- quality -----------------------------------------------------------------------------------------------------------

lint: $(STAMPS)/dev $(STAMPS)/ui-modules check-generated ## Format, lint, types, layers, contract
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>&1 | tail -n 6
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/baseline.binpb
	cd $(UI) && npm run --silent check && npm run --silent lint

format: $(STAMPS)/dev ## Format Python
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --fix --quiet .

generate: $(STAMPS)/dev $(STAMPS)/ui-modules ## Python stubs and TypeScript types from proto/
	$(BIN)/python -m wire.generate
	cd $(UI) && npm run --silent generate

check-generated: generate ## Regenerating must leave no difference
	@git diff --exit-code --stat -- wire/gen $(UI)/src/gen || { echo "generated code differs from proto/: commit what 'make generate' wrote"; exit 1; }
	@test -z "$$(git status --porcelain -- wire/gen $(UI)/src/gen)" || { git status --short -- wire/gen $(UI)/src/gen; exit 1; }

baseline: $(STAMPS)/dev ## At a release only: what `buf breaking` compares with from now on
	$(BIN)/buf build --exclude-source-info -o proto/baseline.binpb

bench: setup ## All quick benchmarks (make bench-NAME for one)
	$(BIN)/python -m bench

bench-%: setup
	$(BIN)/python -m bench $* $(ARGS)

soak: setup ## Two hours of audio, then 1000 sessions: memory must stay flat (ARGS="--real-time", ARGS=--quick)
	$(BIN)/python -m bench.soak $(ARGS)

COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet
lock: $(STAMPS)/bootstrap ## Lock all dependencies anew, with hashes
	$(COMPILE) pyproject.toml --extra cpu -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra cpu --extra dev -c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) requirements/node.in -o requirements/node.txt
	$(COMPILE) requirements/triton.in -o requirements/triton.txt
	$(COMPILE) requirements/s3.in -o requirements/s3.txt

clean: ## Remove everything that was built
	rm -rf .venv .venv-triton .venv-s3 var $(UI)/node_modules $(UI)/dist model_repo/basic_pitch*/*/model.onnx
