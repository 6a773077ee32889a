# Two commands are enough: `make run` and `make test`. Both set up everything that they need.

VENV := .venv
BIN := $(VENV)/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)

# A lock needs no resolver, and all cores compile faster than pip does.
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --no-deps
COMPILE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null || true

.PHONY: run test check format services kafka postgres run-server benchmarks lock clean

run: $(VENV)/.run ## Run the service on embedded defaults: http://127.0.0.1:8000
	$(BIN)/monitor run

test: check ## Run every check and every test whose servers this machine has
ifeq ($(PYTEST),)
	@echo "tests/chaos and tests/flow mostly wait: they run beside the others, and report last"
	@reports=$$(mktemp -d); run="$(BIN)/python -m pytest -rs"; \
	$$run tests/chaos >$$reports/chaos 2>&1 & chaos=$$!; \
	$$run tests/flow >$$reports/flow 2>&1 & flow=$$!; \
	$$run --ignore=tests/chaos --ignore=tests/flow & rest=$$!; \
	trap "kill $$rest $$chaos $$flow" TERM; trap : INT; \
	code=0; for suite in $$rest $$chaos $$flow; do wait $$suite || code=$$?; done; wait; \
	cat $$reports/chaos $$reports/flow; rm -r $$reports; exit $$code
else
	$(BIN)/python -m pytest -rs $(PYTEST)
endif

check: $(VENV)/.test ## Format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.test ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

services: $(VENV)/.test ## Run a real Kafka on 9092 and PostgreSQL on 5432 until Ctrl-C
	$(BIN)/python -m tests.support kafka postgres

kafka postgres: $(VENV)/.test ## Run one of the two
	$(BIN)/python -m tests.support $@

run-server: $(VENV)/.run ## Run the service on what `make services` started
	@test -n "$$MONITOR_CONTACT" || { echo "publishers must know whom to write to:" \
		"export MONITOR_CONTACT=you@example.org" >&2; exit 2; }
	MONITOR_BROKER_URL=kafka://127.0.0.1:9092 \
	MONITOR_DATABASE_URL=postgresql+asyncpg://monitor@127.0.0.1:5432/monitor \
	$(BIN)/monitor run

benchmarks: $(VENV)/.test ## Measure; docs/benchmarks.md says what and how
	$(BIN)/python -m tests.benchmarks.bus --kafka
	$(BIN)/python -m tests.benchmarks.matching --lucene tuned
	$(BIN)/python -m tests.benchmarks.starting
	$(BIN)/python -m tests.benchmarks.listing
	$(BIN)/python -m tests.benchmarks.restart
	$(BIN)/python -m tests.benchmarks.search
	$(BIN)/python -m tests.benchmarks.search --postgres
	$(BIN)/python -m tests.benchmarks.stream
	$(BIN)/python -m tests.benchmarks.stream --server
	$(BIN)/python -m tests.benchmarks.polling
	$(BIN)/python -m tests.benchmarks.polling --postgres
	$(BIN)/python -m tests.benchmarks.latency
	$(BIN)/python -m tests.benchmarks.latency --server

lock: $(VENV)/.test ## Resolve both lock files anew (needs uv)
	uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra test -c requirements.lock pyproject.toml \
		-o tests/requirements.lock

clean: ## Remove everything that these commands made, but not your data
	rm -rf $(VENV) .services .mypy_cache .ruff_cache .hypothesis *.egg-info

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "News Monitor needs Python 3.11 or newer: none is on the PATH" >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "News Monitor needs Python 3.11 or newer: $(PYTHON) is older" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python requirements.lock pyproject.toml
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation -e .
	@$(COMPILE)
	@touch $@

$(VENV)/.test: $(VENV)/.python tests/requirements.lock pyproject.toml
	$(PIP) --require-hashes -r tests/requirements.lock
	$(PIP) --no-build-isolation -e .
	@$(COMPILE)
	@touch $@ $(VENV)/.run
