# The two commands that matter: `make run` and `make test`. `make` alone lists the rest.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

UV_VERSION := 0.13.9
PYTHON ?= $(or $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; \
	done),python3)
BIN := .venv/bin
SYNC := $(BIN)/uv sync --quiet --frozen --inexact --no-default-groups --extra demo --extra postgres
TESTED := -n auto

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# The machine's own certificate authorities, where it has any, as pip and npm use them.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),true,false)

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: setup ## Start the provider, a demo portal and a demo phone; log in once by code and once by card
	@exec $(BIN)/idp demo up

.PHONY: setup
setup: .venv/.setup ## Make .venv with the idp command, ready to use

.venv/.setup: .venv/.uv pyproject.toml uv.lock
	@echo "Installing the locked packages into .venv …"
	@$(SYNC) --compile-bytecode
	@$(BIN)/python -m compileall -q idp
	@touch $@

.venv/.uv: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || $(PYTHON) -m pip --version >/dev/null 2>&1 || { \
		echo "Neither venv nor pip is there: install python3-venv or python3-pip, then try again." >&2; exit 1; }
	@test -x $(BIN)/python || if $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv .venv; \
	else \
		$(PYTHON) -m pip install --quiet --target .venv-bootstrap uv==$(UV_VERSION) && \
		.venv-bootstrap/bin/uv venv --quiet --seed --python $(PYTHON) .venv && rm -r .venv-bootstrap; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.PHONY: test
test: .venv/.test node_modules/.installed ## Run all tests; nothing has to be installed or started by hand
	$(BIN)/pytest $(TESTED) $(ARGS)

.venv/.test: .venv/.setup
	@$(SYNC) --group test
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo "The browser tests need Node 20.11 or newer with npm." >&2; exit 1; }
	@npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: bench
bench: setup bench/node_modules/.installed ## Measure the provider beside a peer, on this machine only
	@$(BIN)/python -m bench $(ARGS)

bench/node_modules/.installed: bench/package.json bench/package-lock.json
	@command -v npm >/dev/null || { echo "The peer of the benchmark needs Node 20.11 or newer with npm." >&2; exit 1; }
	@cd bench && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: check
check: .venv/.check ## Lint, types, import contracts, documents and lock current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/idp config reference | diff -u docs/configuration.md - || { echo "docs/configuration.md is stale: make docs" >&2; exit 1; }
	$(BIN)/uv lock --check --quiet

.venv/.check: .venv/.setup
	@$(SYNC) --group check --group test
	@touch $@

.PHONY: docs
docs: setup ## Write the documents that are made from the code
	$(BIN)/idp config reference > docs/configuration.md

.PHONY: fix
fix: .venv/.check ## Format, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove what was installed and everything a development run stored
	rm -rf .venv .venv-bootstrap node_modules bench/node_modules var keys/dev
