# OpenLeash Private Cloud. `make up` is the only set-up; every target installs what it needs, from pinned hashes.
#
#   make up [PORT=9318] [STATE=.state] [CONFIG=config.toml] [ARGS=...]   start everything; Ctrl-C stops it
#   make test [AREA=road] [ARGS=...]                                     run the tests, or those of one area
#   make check                                                           all linters and checks
#   make bench [ARGS='--area NAME']                                      measure; writes build/bench.json
#   make docs                                                            write the generated references and shims anew
#   make clean                                                           delete what was built; data stay
#
# PYTHON names the interpreter that .venv is made on: `make up PYTHON=python3.12`. If it is not given, that is the
# distribution's own where it is new enough: it is built with profiles and gets the distribution's security updates.

PYTHON ?= $(shell /usr/bin/python3 -c 'import sys, ensurepip; print(sys.executable if sys.version_info >= (3, 11) else 1 / 0)' \
	2>/dev/null || echo python3)
PORT ?=
STATE ?=
CONFIG ?=
AREA ?=
ARGS ?=
IN_VENV := .venv/bin/python -P
PACKAGES := appliance server installer

# A variable that is not given must not appear in the environment: an empty one would be a wrong setting.
ifneq ($(PORT),)
export LEASH_SERVER__PORT := $(PORT)
endif
ifneq ($(STATE),)
export LEASH_STATE__DIRECTORY := $(STATE)
endif

.DEFAULT_GOAL := help
.PHONY: help up test check bench docs clean install install-dev assets tools

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

up: install assets
	@exec $(IN_VENV) -m installer $(if $(CONFIG),--config '$(CONFIG)') up $(ARGS)

test: install-dev assets tools
	$(IN_VENV) -m pytest $(if $(AREA),--area $(AREA)) $(ARGS)

check: install-dev assets
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pyright
	.venv/bin/lint-imports
	.venv/bin/bandit --quiet --recursive --configfile pyproject.toml $(PACKAGES)
	$(IN_VENV) -m tests.checks
	$(IN_VENV) -m pytest -q tests -k test_docs

bench: install-dev assets tools
	$(IN_VENV) -m tests.bench $(ARGS)

docs: install-dev
	$(IN_VENV) -m installer.reference
	$(IN_VENV) -m appliance.protection.secrets.reference > docs/reference/secret-rules.md
	$(IN_VENV) -m appliance.agents.shim.build
	$(IN_VENV) -m tests.docs

clean:
	rm -rf .venv .tools build .mypy_cache .ruff_cache .hypothesis server/dashboard/static/vendor
	find $(PACKAGES) tests -name __pycache__ -prune -exec rm -rf {} +

install:
	@$(PYTHON) -m installer.setup.environment run

install-dev:
	@$(PYTHON) -m installer.setup.environment dev

assets:
	@$(PYTHON) -m installer.setup.assets

tools:
	@$(PYTHON) -m installer.setup.tools
