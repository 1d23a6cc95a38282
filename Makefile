PYTHON ?= python3
BIN := .venv/bin
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-strip-extras --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help demo test check format snapshots record docs prose lock long bench claims clients clean

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

demo: .venv/runtime ## Write a playbook for two invented companies into demo-playbook, without network or key
	$(BIN)/octave-mcp demo --out demo-playbook

test: .venv/dev ## Run the tests, except the long ones
	$(BIN)/python -m pytest

check: .venv/dev ## Lint, format, types, who imports whom, and whether the docs are true
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate.py --check

format: .venv/dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

snapshots: .venv/dev ## Rewrite tests/snapshots after a deliberate change of a tool's interface
	OCTAVE_WRITE_SNAPSHOTS=1 $(BIN)/python -m pytest tests/test_mcp.py -k snapshot

record: .venv/runtime ## Record what a model answered: RUN is a finished run with model=host, MODEL names who answered, OUT a folder
	$(BIN)/octave-mcp record "$(RUN)" --model "$(MODEL)" $(if $(OUT),--out "$(OUT)")

docs: .venv/dev ## Regenerate the parts of the docs that come from the product: tables, help, answers
	$(BIN)/python docs/generate.py

prose: .venv/dev ## Print COUNT random sentences of the project's prose, for a reader to mark those that are hard to read
	$(BIN)/python docs/prose.py $(or $(COUNT),150)

long: .venv/dev ## Run only the long tests: slow ones, and the remaining parameter cases
	$(BIN)/python -m pytest -m long

bench: .venv/dev ## Compare start-up with a trivial server's
	$(BIN)/python bench/startup.py

claims: .venv/dev ## Print how many true and false claims the checks accept; SETS names files, else all of bench/claims
	$(BIN)/python bench/claims.py $(SETS)

lock: .venv/dev ## Update the locked dependencies, within the bounds of pyproject.toml
	$(COMPILE) --upgrade --group build --output-file requirements.lock
	$(COMPILE) --upgrade --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(BIN)/python scripts/complete_lock.py requirements.lock requirements-dev.lock

clients: .venv/runtime ## Try other people's clients, which come from npm
	$(BIN)/python clients/run.py

clean: ## Remove the environment, caches and what the demo wrote
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache build dist demo-playbook
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "octave-mcp needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1); name another, like make PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) scripts/install.py requirements.lock
	@touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	@$(PYTHON) scripts/install.py requirements-dev.lock
	@touch $@
