# `make run` plays the show, `make test` checks everything. Both set up what they need.
VENV   := .venv
PYTHON := $(VENV)/bin/python
ARGS   ?=

.PHONY: run test setup setup-test clean

run: setup
	@$(VENV)/bin/vjnode run $(ARGS)

test: setup-test
	$(PYTHON) -m pytest $(ARGS)

setup: $(VENV)/.node-ready
setup-test: $(VENV)/.test-ready

$(VENV)/.node-ready: pyproject.toml constraints.txt tools/setup.sh
	@sh tools/setup.sh node
	@touch $@

$(VENV)/.test-ready: pyproject.toml constraints.txt tools/setup.sh
	@sh tools/setup.sh test
	@touch $@ $(VENV)/.node-ready

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
