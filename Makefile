# Each target is one command; `make` lists them.
PYTHON ?= python3
BIN := .venv/bin
SENTENCES := --no-default-keywords -k Refused:2 -k _bad_page -k say -k sentence --no-location --sort-by-file
CATALOGUE := --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --omit-header --width 100

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.run: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.graphiql: web/graphiql/fetch_assets.py web/graphiql/assets.json .venv/.run
	$(BIN)/python -m web.graphiql.fetch_assets
	@touch $@

run: .venv/.run .venv/.graphiql ## Serve on 127.0.0.1:8000 with an embedded SQLite database and a demo workspace
	$(BIN)/parley serve --demo

demo: .venv/.run .venv/.graphiql ## The same, with simulated customers who write and answer
	$(BIN)/parley demo

cluster: .venv/.dev .venv/.graphiql ## PostgreSQL, Redis, two server processes and a worker
	$(BIN)/parley cluster

test: .venv/.dev .venv/.graphiql ## All tests, on SQLite + memory and on PostgreSQL + Redis
	$(BIN)/python -m pytest -n auto --dist worksteal

differential: .venv/.dev ## Thousands of random operations, compiled and by graphql-core, on both databases
	PARLEY_DIFFERENTIAL_EXAMPLES=1500 $(BIN)/python -m pytest -n 2 -q tests/test_compiled.py

check: .venv/.dev ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

picture: .venv/.dev .venv/.graphiql ## Take the README's picture of GraphiQL anew, with Chromium
	$(BIN)/python -m demo.picture

bench: .venv/.dev ## Ratios against a bare program, within one run
	$(BIN)/python -m benchmarks

sdl: .venv/.run ## Write schema/schema.graphql from the code
	$(BIN)/parley schema export

sentences: .venv/.dev ## Bring new sentences into the catalogues in resolvers/catalogues, to be translated
	$(BIN)/pybabel --quiet extract $(SENTENCES) -o .venv/parley.pot models resolvers schema
	$(BIN)/pybabel --quiet update $(CATALOGUE) -i .venv/parley.pot -l fr -o resolvers/catalogues/fr.po

lock: | .venv/bin/python ## Resolve the lock files anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate -c requirements.lock --group dev -o requirements-dev.lock pyproject.toml

.PHONY: help run demo cluster test differential check picture bench sdl sentences lock
