PYTHON ?= python3
BIN := .venv/bin
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-strip-extras --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help demo test check format snapshots record docs reports prose lock long bench claims clients clean

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

demo: .venv/runtime ## Write a playbook about two invented companies to demo-playbook; needs no network and no key
	$(BIN)/octave-mcp demo --out demo-playbook

test: .venv/dev ## Run the tests, except the long ones
	$(BIN)/python -m pytest

check: .venv/dev ## Check lint rules, formatting, types, import contracts and generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate.py --check

format: .venv/dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

snapshots: .venv/dev ## Rewrite tests/snapshots after an intended change to a tool's interface
	OCTAVE_WRITE_SNAPSHOTS=1 $(BIN)/python -m pytest tests/test_mcp.py -k snapshot

record: .venv/runtime ## Record a model's answers: RUN is a finished run with model=host, MODEL the model's name, OUT a folder
	$(BIN)/octave-mcp record "$(RUN)" --model "$(MODEL)" $(if $(OUT),--out "$(OUT)")

docs: .venv/dev ## Regenerate the parts of the docs that come from the product: tables, help, responses
	$(BIN)/python docs/generate.py

reports: .venv/dev ## Run the tests with coverage, and write docs/test-results.md; FILES lists test files, by default all
	$(BIN)/python docs/reports.py $(FILES)

prose: .venv/dev ## Print COUNT random sentences of the project's prose, for a reader to mark those that are hard to read
	$(BIN)/python docs/prose.py $(or $(COUNT),150)

long: .venv/dev ## Run only the long tests: slow tests, and further parameters of others
	$(BIN)/python -m pytest -m long

bench: .venv/dev ## Measure speed, cost and capacity with simulated providers; QUICK=1 takes two minutes
	$(BIN)/python bench/suite.py $(if $(QUICK),--quick)

claims: .venv/dev ## Print how many true and false claims the checks accept; SETS lists files, by default all of bench/claims
	$(BIN)/python bench/claims.py $(SETS)

lock: .venv/dev ## Update the lock files within the version ranges of pyproject.toml
	$(COMPILE) --upgrade --group build --output-file requirements.lock
	$(COMPILE) --upgrade --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(BIN)/python scripts/complete_lock.py requirements.lock requirements-dev.lock

clients: .venv/dev ## Test with third-party MCP clients from npm; writes screenshots to build/apps
	$(BIN)/python clients/run.py

clean: ## Remove the environment, caches, builds and the demo's playbook
	rm -rf .venv .pytest_cache .ruff_cache .import_linter_cache build dist demo-playbook
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "octave-mcp needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1); choose another one, e.g. make PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) scripts/install.py requirements.lock
	@touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	@$(PYTHON) scripts/install.py requirements-dev.lock
	@touch $@
