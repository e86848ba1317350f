# Everything a fresh machine needs is Python 3.11 and make; the first target that runs makes .venv.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test targets proof proof-snapshot check coverage format lint types zipapp docs clean

demo: $(VENV)/.installed
	$(BIN)/wsconform run -o wsconform-out/server
	$(BIN)/wsconform serve --port 0 --driver --agent reference-client -o wsconform-out/client \
		-- $(BIN)/python -m wsconform.fixtures.reference driver {url}
	$(BIN)/wsconform report wsconform-out/server/journal.jsonl wsconform-out/client/journal.jsonl \
		-o wsconform-out -r html
	@echo "Open wsconform-out/report/index.html in a browser."

test: $(VENV)/.test-installed
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

# Real servers for the tests, each by its package's name, in a folder of the user's cache.
targets: $(VENV)/.test-installed
	$(BIN)/python -m wsconform.fixtures.targets prepare all

# Run the whole catalogue against every mutant and every eccentric; `make test` does it with a sample.
# It takes about 27 minutes on 2 quick cores and, by estimate, 100 on 2 slow ones: SHARD=1/4 runs a quarter of it.
# Run one case or family, in seconds: make proof CASE='control.pong.*'
proof: $(VENV)/.test-installed
ifdef CASE
	@$(BIN)/python -m tests.support.proof_case '$(CASE)'
else
	WSCONFORM_PROOF=whole WSCONFORM_PROOF_SHARD=$(or $(SHARD),1/1) $(BIN)/python -m pytest -n auto tests/proof
endif

# Rewrite fixtures/mutants/kills.toml, which lists the cases that each mutant fails: in seconds for the cases that CASE
# matches and for new mutants, in as long as the whole proof without it.
proof-snapshot: $(VENV)/.test-installed
	@$(BIN)/python -m tests.support.proof_snapshot $(if $(CASE),'$(CASE)')

# What has to hold before a change is merged: format, lint, strict types, news fragments, tests.
check: $(VENV)/.test-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/towncrier build --draft --version next > /dev/null
	$(MAKE) types
	$(MAKE) test

# The share of the package's lines that the tests of its rooms reach: a table of the modules below 100 %, and the figure.
# The proof and the tests with real programs are left out: they take most of the time, and reach few lines of their own.
ROOMS := wire registry transport evidence endpoint catalogue autobahn journal run serving console prepare commands plugin reports
coverage: $(VENV)/.test-installed
	$(BIN)/python -m pytest -q -n auto --cov --cov-report=term -m "not browser and not targets" $(ROOMS:%=tests/%)

format: $(VENV)/.test-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .

# One file for machines without pip: python3 dist/wsconform.pyz run ws://...
# What is compiled stays out, so that it runs under every Python from 3.11 on; TLS for `serve` needs the package.
zipapp: $(VENV)/.installed
	rm -rf build/zipapp build/lib
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --target build/zipapp .
	rm -rf build/zipapp/bin
	find build/zipapp -name '*.so' -delete
	printf 'import sys\n\nfrom wsconform.cli import main\n\nsys.exit(main())\n' > build/zipapp/__main__.py
	@mkdir -p dist
	$(BIN)/python -m zipapp build/zipapp --output dist/wsconform.pyz --python '/usr/bin/env python3' --compress
	@echo "Made dist/wsconform.pyz."

# The documentation, pages of all cases and requirements among it: build/docs/index.html.
docs: $(VENV)/.docs-installed
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs build/docs
	@echo "Open build/docs/index.html in a browser."

# mypy follows no import hooks, so it gets the packages laid out as they are installed.
types: $(VENV)/.test-installed build/types/wsconform
	MYPYPATH=build/types $(BIN)/mypy -p wsconform
	MYPYPATH=build/types $(BIN)/mypy tests bench conftest.py

build/types/wsconform: FORCE
	@mkdir -p $@
	@ln -sfn $(addprefix ../../../,$(wildcard suite/wsconform/*) cases reports fixtures) $@/
	@find $@ -maxdepth 1 -xtype l -delete

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test-installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint]'
	@touch $@ $(VENV)/.installed

$(VENV)/.docs-installed: $(VENV)/.test-installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

clean:
	rm -rf build dist $(VENV) wsconform-out

.PHONY: FORCE
FORCE:
