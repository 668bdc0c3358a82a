# `make help` lists what there is. Python 3.11 or newer and package downloads are all that is needed.

PYTHON ?= python3
WORKERS ?= auto
VENV := .venv
RUN := $(VENV)/bin/python
SECONDS ?= 600
WHICH := import sys; print(sys.base_prefix, sys.version)
STAMP := $(VENV)/.made-from-requirements-dev.lock

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-faults test-all check prose docs format stack up down status
.PHONY: bench recovery takeover bench-uploads bench-page bench-workbook bench-corrections soak fuzz lock schemas vendor
.NOTPARALLEL:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 - /p' $(MAKEFILE_LIST) | awk -F ' - ' '{ printf "make %-17s %s\n", $$1, $$2 }'

venv: $(STAMP) ## the virtual environment .venv, made again when the lock file changes

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "make: Python 3.11 or newer is needed; name one with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: $(PYTHON) has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@test "$$($(RUN) -c '$(WHICH)' 2>/dev/null)" = "$$($(PYTHON) -c '$(WHICH)')" || rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: venv ## import a workbook of 155,000 rows on servers of its own, and show the counts
	@$(RUN) -m devstack.demo

PYTEST := $(RUN) -m pytest --progress --durations=10 --durations-min=3 -o console_output_style=classic
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
FAULTS := tests/acceptance/faults

test: venv ## unit, integration and acceptance tests (7 minutes on two cores)
	@$(PYTEST) $(PARALLEL) --ignore=$(FAULTS) --ignore=tests/soak

# Two runs of pytest; the second comes whatever the first found, and both count.
test-faults: venv ## proofs of the invariants: kills, freezes, cut networks (15 minutes)
	@$(PYTEST) $(PARALLEL) -m "not serial" $(FAULTS); parallel=$$?; \
	$(PYTEST) -m serial $(FAULTS); serial=$$?; \
	exit $$((parallel ? parallel : serial))

test-all: venv ## both, then a soak of half a minute
	@$(MAKE) --no-print-directory test; tests=$$?; \
	$(MAKE) --no-print-directory test-faults; faults=$$?; \
	$(PYTEST) tests/soak; soak=$$?; \
	exit $$((tests ? tests : faults ? faults : soak))

check: venv ## lint, format, types, import contracts, documentation and its words
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	@$(MAKE) --no-print-directory docs
	$(RUN) -m pytest -q tests/unit/test_prose.py

prose: venv ## where comments, strings and pages use words that hide a term
	@$(RUN) -m tests.support.prose

# Not --quiet: warnings that are not shown do not fail a strict build.
docs: venv ## the documentation as a site, in build/docs; a broken link fails
	@NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build

format: venv ## let ruff write
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

stack: venv ## Kafka and Postgres, left running
	@$(RUN) -m devstack stack

up: venv ## the same, and the service
	@$(RUN) -m devstack up

down: ## stop what stack and up have started
	@test ! -x $(RUN) || $(RUN) -m devstack down

status: venv ## what is running
	@$(RUN) -m devstack status

bench: venv ## measure load times, as ratios to a baseline
	@$(RUN) -m benchmarks

recovery: venv ## measure throughput before, during and after outages of a minute (ten minutes)
	@$(RUN) -m tests.outage_benchmark

takeover: venv ## measure how soon another replica takes over a job, and how long SIGTERM takes
	@$(RUN) -m benchmarks.takeover

bench-uploads: venv ## measure how uploads affect a running job (five minutes)
	@$(RUN) -m benchmarks.uploads

bench-page: venv ## measure how long pages take with 200,000 jobs in the table (two minutes)
	@$(RUN) -m benchmarks.page

bench-workbook: venv ## measure how long 155,000 rejected rows take as a workbook (three minutes)
	@$(RUN) -m benchmarks.rejected_workbook

bench-corrections: venv ## measure dry runs, exports and corrections of rejected rows (five minutes)
	@$(RUN) -m benchmarks.corrections

soak: venv ## random jobs under random faults: make soak SECONDS=600 SEED=7
	@$(RUN) -m tests.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

fuzz: venv ## the HTTP side against its OpenAPI document, with random requests (an hour)
	@$(RUN) -m tests.fuzz $(if $(SEED),--seed $(SEED))

schemas: venv ## JSON Schemas and the AsyncAPI document from the models
	$(RUN) -m schemas.generate

PAGE := consumer/http/page/static
HTMX = sed -n 's/^HTMX_$(1) = "\(.*\)"/\1/p' $(PAGE).py

vendor: ## htmx of the page again, from npm, checked by its hash (for maintainers)
	@version=$$($(call HTMX,VERSION)); hash=$$($(call HTMX,SHA256)); folder=$$(mktemp -d); \
	npm pack --silent --pack-destination $$folder htmx.org@$$version >/dev/null && \
	tar xzf $$folder/htmx.org-$$version.tgz -C $$folder && \
	echo "$$hash  $$folder/package/dist/htmx.min.js" | sha256sum --check --quiet && \
	cp $$folder/package/dist/htmx.min.js $(PAGE)/htmx.min.js && \
	cp $$folder/package/LICENSE $(PAGE)/htmx.LICENSE.txt && \
	rm -r $$folder && echo "htmx $$version"

lock: ## regenerate the lock files (needs uv)
	@command -v uv >/dev/null || { echo "make: uv is needed for this: pip install uv" >&2; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra devstack --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
