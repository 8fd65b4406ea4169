# Each command does all its own set-up on a Debian machine with python3 and make:
#   make demo     live migrate a server with a VF on an embedded cloud (KEEP=1 leaves it running)
#   make horizon show the dashboard's panel on an embedded cloud, until Ctrl-C
#   make test     linters, documentation and all tests
#   make wheel    build the package in dist/, to be installed with pip

SHELL := /bin/bash
VENV := .venv
TOX := $(VENV)/bin/tox
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_INSTALL := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends

define INSTALL_MISSING
missing="$$($(VENV)/bin/bindep --brief $(PROFILE))" || \
	{ $(SUDO) apt-get update --quiet && $(APT_INSTALL) $$missing; }
endef

.DEFAULT_GOAL := help
.PHONY: help demo horizon test wheel clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.ready
	$(TOX) run --quiet -e demo -- $(if $(KEEP),--keep)

horizon: $(VENV)/.ready
	$(TOX) run --quiet -e horizon

test: $(VENV)/.ready-test
	$(TOX) run-parallel --parallel-no-spinner

wheel: $(VENV)/.ready
	$(VENV)/bin/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls -t dist/*.whl | head -n 1

clean:
	rm -rf $(VENV) .tox .stestr doc/build dist

# Debian's python3 comes without venv; everything else that is missing bindep.txt names.
$(VENV)/.ready: bindep.txt Makefile
	python3 -c 'import ensurepip' 2>/dev/null || \
		{ $(SUDO) apt-get update --quiet && $(APT_INSTALL) python3-venv; }
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check bindep 'tox>=4.18'
	$(INSTALL_MISSING)
	touch $@

$(VENV)/.ready-test: PROFILE := test
$(VENV)/.ready-test: $(VENV)/.ready
	$(INSTALL_MISSING)
	touch $@
