# The same door for everybody: a laptop, a pull request and a release run these targets. `make` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 5

# Where the tests of app/protocol and app/crypto lie.
RULES = $(wildcard $(addprefix tests/,crypto protocol authorize client_auth grant_types tokens))

LOCK_FILES := $(wildcard requirements/*.txt tests/support/node/package-lock.json bench/package-lock.json bench/*/package-lock.json)
# A lock file that names a download host sends everybody there, whatever mirror they use.
HOSTS := "resolved"|--(extra-)?index-url|--find-links| @ https?://

# npm writes this file last; with no npm on the machine there is nothing to install.
NODE_INSTALLED = $(if $(shell command -v npm),$(patsubst %/package-lock.json,%/node_modules/.package-lock.json,$(wildcard $(1))))
TEST_NODE := $(call NODE_INSTALLED,tests/support/node/package-lock.json)
BENCH_NODE := $(call NODE_INSTALLED,bench/package-lock.json bench/*/package-lock.json)

# Tests start this product again and again; without bytecode every start would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: install ## start the server with the demo on http://localhost:8000 (RUN_ARGS="--no-demo --port 9000")
	$(BIN)/assent serve --migrate --demo $(RUN_ARGS)

.PHONY: test
test: install $(TEST_NODE) ## run the tests but the slow ones (TEST_ARGS="tests/protocol -k consent", WORKERS=1)
	$(BIN)/pytest -m "not slow" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

.PHONY: test-slow
test-slow: install $(TEST_NODE) ## run the others: more crashes, the other PostgreSQL, the build of the image
	$(BIN)/pytest -m slow -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

.PHONY: soak
soak: install $(TEST_NODE) ## run the volume, race and crash tests at full size (long)
	$(BIN)/pytest -m soak --volume 1 $(TEST_ARGS)

.PHONY: coverage
coverage: install ## prove that the tests of the rules run every branch of them
	$(BIN)/coverage run -m pytest -q $(RULES)
	$(BIN)/coverage report

.PHONY: check
check: install ## lint, format, types, import contracts, generated pages, lock files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile
	$(BIN)/assent reference --check
	@! grep -nE -e '$(HOSTS)' $(LOCK_FILES) || { echo 'a lock file names a download host'; exit 1; }

.PHONY: fix
fix: install ## repair what lint and format can repair
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: install $(BENCH_NODE) ## measure the hot endpoints beside their floors and peers (BENCH_ARGS)
	$(BIN)/python -m bench $(BENCH_ARGS)

.PHONY: docs
docs: install ## write docs/reference/ and docs/original-behaviour.md anew from the code and its tests
	$(BIN)/assent reference
	$(BIN)/python -m tests.conformance.page
	$(BIN)/python -m tests.architecture.acceptance
	$(BIN)/python -m tests.architecture.spec_coverage

.PHONY: audit
audit: install ## ask the vulnerability database about every pinned package (needs the network)
	$(BIN)/pip-audit --requirement requirements/run.txt --require-hashes --disable-pip

.PHONY: lock
lock: ## pin the newest allowed dependencies (LOCK_ARGS="--upgrade-package fastapi"; nothing moves without)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(PYTHON) -m venv "$$tools" && "$$tools/bin/pip" install --quiet uv && \
	lock() { out=$$1; shift; "$$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header $(LOCK_ARGS) --output-file "requirements/$$out.txt" "$$@"; } && \
	lock run pyproject.toml && \
	lock build --group pyproject.toml:build && \
	lock dev pyproject.toml --group dev

.PHONY: clean
clean: ## remove the virtual environment, caches and build output; the data stays
	rm -rf $(VENV) build dist htmlcov .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find app tests bench examples -type d \( -name __pycache__ -o -name node_modules \) -prune -print0 | xargs -0 rm -rf

.PHONY: install
install: $(VENV)/.project

$(VENV)/.project: $(VENV)/.dependencies pyproject.toml
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dependencies: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Assent needs Python 3.11 or newer: make PYTHON=python3.11")'
	@echo 'Installing the pinned dependencies into $(VENV) ...'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $<
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund
	@touch $@
