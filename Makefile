# `make demo` and `make test` work on a fresh clone: all they need is Python 3.11 or newer.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lab docs lab-check pins clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

demo: .venv/installed ## train, forecast and verify a small nowcast; the report goes to outputs/demo
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} wxnb demo # its tensors are too small to share among threads

test: .venv/installed ## every check that needs no browser
	@python .ci/test.py

lab: .venv/installed ## JupyterLab on the chapters
	@jupyter-lab --notebook-dir=nbs $(if $(filter 0,$(shell id -u)),--allow-root)

docs: .venv/installed ## the site in _docs (Quarto where installed, else pandoc), and README.md
	@python .ci/docs.py

lab-check: .venv/installed ## two chapters run in JupyterLab in a headless browser
	@.ci/lab

pins: .venv/installed ## write down the versions in .venv as the ones to install
	@{ sed -n '/^#/p' .ci/constraints.txt; pip freeze --exclude-editable | sed 's/+cpu$$//'; } > .ci/pins && mv .ci/pins .ci/constraints.txt

clean: ## remove what was built; .venv and outputs stay
	@rm -rf _docs _proc build dist

# After a change of requirements the stamp is older than they are, and pip looks again.
.venv/installed: settings.ini setup.py .ci/constraints.txt
	@[ -n "$(PYTHON)" ] || { echo "wxnb needs Python 3.11 or newer; neither python3.11 nor python3 is one. Say PYTHON=/path/to/python."; exit 1; }
	@[ -x .venv/bin/pip ] || { echo "making .venv with $(PYTHON)"; $(PYTHON) -m venv .venv; }
	@echo "installing the pinned packages into .venv; the first time takes some minutes"
	@.venv/bin/pip install -qq -c .ci/constraints.txt torch
	@.venv/bin/pip install -qq -c .ci/constraints.txt -e '.[dev]'
	@touch $@
