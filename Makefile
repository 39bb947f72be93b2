# Everything goes through make: it installs what is missing, once, and a second call is quick.
# Needed: make, git and Python 3.11 or newer. On a bare Debian or Ubuntu, root gets the rest by itself.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The newest Python that works; make PY=/path/to/python3.12 names another.
PY ?= $(or $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done),python3)
V := .venv
B := $(V)/bin
INSTALL := $(B)/uv pip install --quiet --python $(B)/python
# The environment's node and npm are found where the system has none.
export PATH := $(CURDIR)/$(B):$(PATH)

UI := fangkong/web/ui
MANIFEST := fangkong/web/static/web/dist/manifest.json
BORDERS := fangkong/places/static/places/borders/513300.geojson
ORIGINS := fangkong/surveillance/arrivals/data/origins.csv
UI_SOURCES := $(shell find $(UI) -name node_modules -prune -o -type f -print 2>/dev/null)
CATALOGUES := $(wildcard fangkong/*/locale/*/LC_MESSAGES/django.po)
BUILT := $(V)/.app $(MANIFEST) $(ORIGINS) $(BORDERS) $(V)/.messages
PYTEST := $(B)/python -m pytest
# A whole run uses every core; tools/sharing.py says what stays together. Journeys come last, so no reordering.
PROCESSES := -n auto --dist loadscope --no-loadscope-reorder

.PHONY: access processing verification help run test test-pg test-long check fix lock ui borders messages where bench pictures prove faults wheel clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1 /' | \
		while read -r name text; do printf 'make %-10s %s\n' "$$name" "$$text"; done

run: $(BUILT) ## install, build and serve Fangkong with demonstration data (ARGS="--port 8080")
	@exec $(B)/fangkong run --demo $(ARGS)

test: $(BUILT) $(V)/.test $(V)/.browser ## the whole suite on SQLite, then the database tests on PostgreSQL (ARGS="-k name")
	$(PYTEST) $(or $(ARGS),$(PROCESSES))
	@# Arguments name tests for one run; the second run would find none of them.
	$(if $(ARGS),,FANGKONG_TEST_DATABASE=postgresql $(PYTEST) -q $(PROCESSES) -m 'both_databases and not long')

test-pg: $(BUILT) $(V)/.test $(V)/.browser ## the whole suite on PostgreSQL
	FANGKONG_TEST_DATABASE=postgresql $(PYTEST) $(or $(ARGS),$(PROCESSES))

test-long: $(BUILT) $(V)/.test $(V)/.browser ## the tests that take minutes
	$(PYTEST) -m long $(ARGS)

check: $(BUILT) $(V)/.test $(V)/.check $(UI)/node_modules/.ok ## style, types, imports, templates, migrations, translations
	@$(B)/python tools/check.py

fix: $(V)/.app $(V)/.check ## put the style right
	@$(B)/ruff check --quiet --fix . ; $(B)/ruff format .

lock: $(V)/.uv ## choose newer packages within pyproject.toml and write requirements/ anew
	@sh tools/lock.sh $(B)/uv $(ARGS)

ui: $(MANIFEST) ## build scripts and styles

borders: $(BORDERS) ## cut the borders of the maps, and write down the names of areas

messages: $(V)/.app $(V)/.test ## bring the translation files up to date with the sources (ROOM=places)
	@$(B)/python tools/translations.py update $(ROOM)

where: $(V)/.app ## show the files behind a page: make where URL=/supplies/stock/
	@test -n "$(URL)" || { echo 'fangkong: say which page: make where URL=/supplies/stock/' >&2; exit 1; }
	@$(B)/fangkong where '$(URL)'

bench: $(BUILT) $(V)/.test ## measure what benchmarks/README.md promises
	@failed=; for script in benchmarks/[a-z]*.py; do echo "== $$script"; \
		$(B)/python $$script || failed="$$failed $$script"; done; \
	test -z "$$failed" || { echo "fangkong: missed:$$failed" >&2; exit 1; }

access: $(BUILT) $(V)/.test ## write docs/access.md anew from the table of access
	@DJANGO_SETTINGS_MODULE=fangkong.config.settings $(B)/python -c 'import django; django.setup(); from tests.scope import page; page.PAGE.write_text(page.page(), "utf-8")'

verification: $(BUILT) $(V)/.test ## write docs/epistat.md, epistat beside its twins and R, anew
	@$(B)/python -m epistat.tests.verification

processing: $(BUILT) ## write docs/processing.md and its Chinese twin, the register of processing, anew from the code
	@$(B)/fangkong processing > docs/processing.md
	@$(B)/fangkong processing --language zh-hans > docs/processing.zh.md

pictures: $(BUILT) $(V)/.test $(V)/.browser ## make the pictures of the README anew, by the journey of the first day
	$(PYTEST) -q tests/journeys/test_first_day.py
	@cp var/shots/command-screen-en.png docs/pictures/command-screen.png
	@cp var/shots/command-screen-zh.png docs/pictures/command-screen-zh.png

prove: ## everything that a release has to pass
	@$(MAKE) check
	@$(MAKE) test
	@$(MAKE) test-pg
	@$(MAKE) test-long
	@$(MAKE) faults
	@$(MAKE) bench
	@$(MAKE) wheel

faults: $(BUILT) $(V)/.test ## the harnesses of docs/proofs.md at full length; counts in var/proof.json
	PROVE=full $(PYTEST) -q -m 'long or not long' tests/prove
	FANGKONG_TEST_DATABASE=postgresql PROVE=full $(PYTEST) -q -m 'both_databases' tests/prove

wheel: $(BUILT) ## build the wheel and prove it in an empty environment
	@rm -rf dist
	@$(B)/uv build --quiet --no-build-isolation --python $(B)/python --out-dir dist .
	@$(B)/python tools/prove_wheel.py dist

clean: ## remove what make made (never the data in var/)
	rm -rf $(V) dist build $(UI)/node_modules $(dir $(MANIFEST)) $(dir $(BORDERS)) $(dir $(ORIGINS))
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results
	find fangkong epistat tests tools benchmarks \( -name __pycache__ -o -name '*.mo' \) -prune -exec rm -rf {} +

# --- What is installed and built, each with a stamp ---------------------------------------------------

$(V)/.uv: bootstrap.sh
	@echo '[1/6] Python environment …'
	@sh bootstrap.sh "$(PY)" $(V)
	@touch $@

$(V)/.app: requirements/app.txt requirements/build.txt pyproject.toml | $(V)/.uv
	@echo '[2/6] Python packages …'
	@$(INSTALL) --require-hashes -r requirements/app.txt -r requirements/build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(V)/.node: requirements/node.txt | $(V)/.uv
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 21 || (a === 20 && b > 18) ? 0 : 1)' 2>/dev/null \
		&& npm --version >/dev/null 2>&1 \
		|| { echo '[3/6] Node …'; $(INSTALL) --require-hashes -r requirements/node.txt; }
	@touch $@

$(UI)/node_modules/.ok: $(UI)/package-lock.json $(V)/.node
	@echo '[3/6] Front-end packages …'
	@cd $(UI) && npm ci --silent
	@touch $@

$(MANIFEST): $(UI)/node_modules/.ok $(UI_SOURCES)
	@echo '[4/6] Scripts and styles …'
	@cd $(UI) && npm run --silent build -- --logLevel error
	@touch $@

$(ORIGINS): tools/origins.py tools/borders.py requirements/build.txt | $(V)/.app
	@echo '[5/6] Names of areas …'
	@$(B)/python -m tools.origins >/dev/null
	@touch $@

$(BORDERS): tools/borders.py requirements/build.txt $(ORIGINS) | $(V)/.app
	@echo '[5/6] Borders of the maps …'
	@$(B)/python tools/borders.py >/dev/null
	@touch $@

$(V)/.messages: $(CATALOGUES) tools/translations.py | $(V)/.app
	@echo '[6/6] Translations …'
	@$(B)/python tools/translations.py compile
	@touch $@

$(V)/.test: requirements/test.txt | $(V)/.app
	@echo '      Packages for the tests …'
	@$(INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

$(V)/.check: requirements/check.txt | $(V)/.app
	@echo '      Packages for the checks …'
	@$(INSTALL) --require-hashes -r requirements/check.txt
	@touch $@

$(V)/.browser: tools/browser.py | $(V)/.test
	@echo '      A browser for the tests …'
	@$(B)/python tools/browser.py
	@touch $@
