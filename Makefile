# The same one-word commands for people and CI.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version=3.11 --generate-hashes
PIP     = $(BIN)/python -m pip install --disable-pip-version-check
INSTALLING = @echo "Installing into $(VENV); it takes about a minute, and every package is named when its turn comes."
# Workers of the test run, for two cores: tests wait for servers almost half of the time.
JOBS   ?= 4
# Tests start the exporter hundreds of times: whatever the environment says, nothing is compiled each time.
unexport PYTHONDONTWRITEBYTECODE
# The rooms whose tests need nothing beside them.
FAST = $(addprefix tests/,clock config counting fields ics metrics platforms polling state support texts web)
# Where current servers are built, and tried by test-current.
SERVERS ?= build/servers-current

.DEFAULT_GOAL := help
.PHONY: help run install test test-fast coverage lint format hooks types bench bench-fleet bench-checks bench-rules bench-scale soak fuzz planted proof storms mutants mutation rehearsal tutorial generate pictures lock servers check-servers servers-current test-current wheel wheel-test sbom image clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

run: $(VENV)/.installed ## Install, then run the demo: simulator and exporter in one process, no credentials (ARGS="--web.listen-address :10999")
	$(BIN)/booking-sync-exporter demo $(ARGS)

install: $(VENV)/.installed-dev ## Install everything that development needs

test: $(VENV)/.installed-dev check-servers ## Run the whole suite; what needs a server that is not there is skipped, see make servers
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

test-fast: $(VENV)/.installed-dev ## What counts, decides, reads and shows, in under a minute: no servers, no browser
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow and not servers and not browser" $(FAST)

coverage: $(VENV)/.installed-dev check-servers ## The same, twice as slow, with a report of the lines that no test reaches
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report=term:skip-covered

lint: $(VENV)/.installed-dev ## ruff: lint and format check; deptry: what is imported is declared; zizmor: workflows; import-linter: who may lean on whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry exporter tools
	$(BIN)/zizmor --offline --no-progress --quiet .github/workflows
	$(BIN)/lint-imports --no-logo --no-cache tools/importlinter.toml

format: $(VENV)/.installed-dev ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

hooks: $(VENV)/.installed-dev ## Have git look at what is quick to look at before each commit (.pre-commit-config.yaml)
	$(BIN)/pre-commit install

types: $(VENV)/.installed-dev ## mypy, strict
	$(BIN)/mypy exporter tests tools

bench: $(VENV)/.installed-bench check-servers ## Every figure of docs/benchmarks.md beside its peers, but for the long ones (ARGS="--rounds 1 http_pool")
	$(BIN)/python -m tests.benchmarks $(ARGS)
	$(BIN)/python -m tools.sizing docs/sizing.md

bench-fleet: $(VENV)/.installed-bench check-servers ## Ten minutes of 5,000 sites and 500 portals, for docs/benchmarks.md (ARGS="--sites 300 --portals 30")
	$(BIN)/python -m tests.benchmarks.fleet $(ARGS)
	$(BIN)/python -m tools.sizing docs/sizing.md

bench-checks: $(VENV)/.installed-dev ## Twenty minutes of 500 sites and 500 portals with every check on, for docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks.every_check $(ARGS)

bench-rules: $(VENV)/.installed-dev check-servers ## What the rules cost Prometheus at 500 sites, 25 minutes (ARGS="--minutes 5")
	$(BIN)/python -m tests.benchmarks.rules_cpu $(ARGS)
	$(BIN)/python -m tools.rules_price docs/rules-price.md

bench-scale: $(VENV)/.installed-dev check-servers ## What a target and a series cost, an hour, and the tables of docs/scale.md
	$(BIN)/python -m tests.scale $(ARGS)
	$(BIN)/python -m tools.scale docs/scale.md

soak: $(VENV)/.installed-dev ## Two hours under faults that strike at random (ARGS="--seconds 600")
	$(BIN)/python -u -m tests.soak $(ARGS)

fuzz: $(VENV)/.installed-dev ## Ten minutes of spoilt inputs for all that reads what others wrote (ARGS="60 --seed 7")
	$(BIN)/python -m tests.fuzz $(or $(ARGS),600)

planted: $(VENV)/.installed-dev ## Plant what no status tells, let a healthy business live for two weeks, for docs/planted-faults.md (ARGS="--only import")
	$(BIN)/python -u -m tests.planted $(ARGS)

proof: $(VENV)/.installed-dev check-servers ## Plant what keeps bookings out of real calendars, let healthy pairs live for two weeks, for docs/planted-pairs.md (ARGS="--hours 5 --days 0")
	$(BIN)/python -u -m tests.proof $(ARGS)

storms: $(VENV)/.installed-dev check-servers ## Count the messages of outages at 1, 5, 40 and 1,000 targets (ARGS="5 40"), for docs/monitoring.md
	$(BIN)/python -m tests.monitoring.storm_table $(ARGS)

mutants: $(VENV)/.installed-dev check-servers ## Put small faults into the alerts and list those that no case notices, half an hour (ARGS=BookingSyncDataStale, ARGS=recorded)
	$(BIN)/python -m tests.monitoring.mutant_table docs/rules-mutants.md $(ARGS)

mutation: $(VENV)/.installed-dev ## Put small faults into the code and list those that no unit test notices (ARGS="--only counting --minutes 10")
	$(BIN)/python -u -m tests.mutation $(ARGS)

rehearsal: $(VENV)/.installed-dev check-servers ## Play storms with the real exporter and servers, for docs/monitoring.md (ARGS="--cause key-refused")
	$(BIN)/python -m tests.e2e.storm_rehearsal $(or $(ARGS),--keep now)

tutorial: $(VENV)/.installed-dev ## Follow docs/tutorial.md to the letter, to a mail in an inbox and its all-clear, and say how long it took
	@sh tests/harness/install-servers.sh --check alerting
	$(BIN)/python -m tests.docs.tutorial_rehearsal

generate: $(VENV)/.installed-dev ## Write the generated files again: schema, references, dashboards, rules, manifests
	$(BIN)/python -m tools.metrics_reference docs/metrics.md
	$(BIN)/python -m tools.limits_reference docs/limits.md
	$(BIN)/python -m tools.verdicts_reference docs/verdicts.md
	$(BIN)/python -m tools.platform_statements docs/platforms
	$(BIN)/python -m tools.config_reference
	$(BIN)/python -m tools.manual docs/booking-sync-exporter.1
	$(BIN)/python -m tools.texts
	$(BIN)/python -m tools.status_schema docs/status.schema.json
	$(BIN)/python -m tools.bundle
	$(BIN)/python -m tools.rules_price docs/rules-price.md
	$(BIN)/python -m tools.scale docs/scale.md
	$(BIN)/python -m tools.benchmarks docs/benchmarks.md
	$(BIN)/python -m tools.sizing docs/sizing.md
	$(BIN)/python -m tools.public_surface docs/public-surface.txt
	$(BIN)/python -m tools.licences docs/licences.md

pictures: $(VENV)/.installed-dev check-servers ## Take the documents' pictures of the status board again, of the demo's worst night
	$(BIN)/python -m tools.board_pictures docs

# One resolution for every Python from 3.11 on and every platform; the others keep to what the development lock chose. Images
# and this folder have the extra as well, since nobody can add it to an image.
# Renovate runs the command that stands at the head of each lock: it wants a file that is read, and options with an equals sign.
lock: $(VENV)/.installed-dev ## Lock what pyproject.toml asks for, with hashes (ARGS=--upgrade takes the newest)
	$(COMPILE) $(ARGS) --extra=dev --extra=ics pyproject.toml --output-file=requirements-dev.lock
	$(COMPILE) --constraint=requirements-dev.lock --extra=ics pyproject.toml --output-file=requirements.lock
	$(COMPILE) --constraint=requirements-dev.lock requirements-build.in --output-file=requirements-build.lock
	$(COMPILE) --constraint=requirements-dev.lock requirements-bench.in --output-file=requirements-bench.lock
	$(COMPILE) --constraint=requirements-dev.lock requirements-calendars.in --output-file=requirements-calendars.lock
	$(COMPILE) --constraint=requirements-dev.lock requirements-release.in --output-file=requirements-release.lock

servers: ## Install what the tests drive: Prometheus, Alertmanager, Chromium, Node (by apt, when root), Grafana's code (by npm), Radicale and xandikos (by pip)
	@sh tests/harness/install-servers.sh

check-servers: # Say what of that is missing, and end there in CI; nothing is installed
	@sh tests/harness/install-servers.sh --check

servers-current: ## Build current Prometheus, Alertmanager and vmalert with Go (ten minutes; PROMETHEUS=3.5.0 SERVERS=build/servers-3.5)
	@sh tests/harness/build-servers.sh $(SERVERS)

test-current: $(VENV)/.installed-dev check-servers servers-current ## Run what drives servers on Debian's and on those, and write the result into docs/monitoring.md
	$(BIN)/python -m tools.versions_reference docs/monitoring.md $(SERVERS) -n $(JOBS) $(ARGS)

wheel: $(VENV)/.installed-dev ## Build the source distribution, and the wheel from that, into dist/
	rm -rf dist
	$(BIN)/hatchling build --directory dist --target sdist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz

wheel-test: $(if $(WHEEL),,wheel) ## Install that wheel where nothing else is, and test it there (WHEEL=dist/NAME.whl takes one that is built)
	@PYTHON=$(PYTHON) JOBS=$(JOBS) sh tests/harness/test-wheel.sh $(or $(WHEEL),dist/*.whl)

sbom: $(if $(WHEEL),,wheel) ## Write what that wheel is installed with as CycloneDX, beside it (WHEEL=dist/NAME.whl)
	$(BIN)/python -m tools.sbom $(or $(WHEEL),dist/*.whl)

image: ## Build the container image
	docker build --tag booking-sync-exporter .

clean: ## Remove everything that can be made again
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/harness/grafana/node_modules

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml requirements.lock requirements-build.lock
	$(INSTALLING)
	$(PIP) --require-hashes --requirement requirements-build.lock --requirement requirements.lock
	$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml requirements-dev.lock
	$(INSTALLING)
	$(PIP) --require-hashes --requirement requirements-dev.lock
	$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(VENV)/.installed-dev requirements-bench.lock
	$(PIP) --require-hashes --requirement requirements-bench.lock
	@touch $@
