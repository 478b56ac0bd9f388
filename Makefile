# Tokenhouse. `make` lists the targets.

PYTHON ?= python3
PYTEST_ARGS ?= -n 2
FAULT_MINUTES ?= 5
PY := .venv/bin/python
# Twice quiet: what is wrong with a machine's own pip configuration is not our news.
PIP := $(PY) -m pip -qq --disable-pip-version-check --no-input

# What a production environment sets; for `check --deploy` only.
PRODUCTION := DATABASE_URL=postgres://tokenhouse@db.invalid/tokenhouse \
	REDIS_URL=redis://redis.invalid/0 BASE_URL=https://tokenhouse.invalid \
	SECRET_KEY=for-this-check-only-0123456789-abcdefghijklmnopqrstuvwxyz \
	KEY_PEPPER=for-this-check-only-9876543210-abcdefghijklmnopqrstuvwxyz \
	ENCRYPTION_KEYS=k1:Zm9yLXRoaXMtY2hlY2stb25seS0wMTIzNDU2Nzg5LWE= \
	EMAIL_URL=smtp+tls://mail.invalid:587

.SILENT:
.PHONY: help setup run test bench faults faults-long lint fix lock venv setup-dev chromium \
	check-locks audit-locks check-django

help: ## List the targets
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r target does; do printf '  make %-11s %s\n' "$$target" "$$does"; done

setup: venv ## Install what `make run` needs into .venv
	cmp -s requirements.lock .venv/requirements.lock || { \
		echo 'Installing the dependencies …' && \
		$(PIP) install --require-hashes -r requirements.lock && \
		cp requirements.lock .venv/requirements.lock; }

run: setup ## Run everything on this machine; Ctrl-C stops it
	exec $(PY) manage.py run

test: setup-dev chromium lint check-locks audit-locks check-django ## Run everything that CI runs
	echo '== pytest'
	$(PY) -m pytest $(PYTEST_ARGS)

bench: setup-dev ## Run the benchmarks; results in bench/results/
	$(PY) -m bench

faults: setup-dev ## Kill everything for FAULT_MINUTES (5), by FAULT_SEED
	$(PY) -m tests.faults --minutes $(FAULT_MINUTES) $(FAULT_SEED:%=--seed %)
	echo '== control: without the guard, the limit must be passed'
	$(PY) -m tests.faults --minutes 0.5 $(FAULT_SEED:%=--seed %) --unguarded

faults-long: setup-dev ## The same for an hour, or FAULT_MINUTES
	$(PY) -m tests.faults $(FAULT_SEED:%=--seed %) \
		--minutes $(if $(filter file,$(origin FAULT_MINUTES)),60,$(FAULT_MINUTES))

lint: setup-dev ## Check style, types and import contracts
	echo '== ruff'
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	echo '== mypy'
	$(PY) -m mypy
	echo '== import contracts'
	$(PY) .venv/bin/lint-imports
	echo '== bandit'
	$(PY) -m bandit --quiet --recursive --configfile pyproject.toml \
		config gateway billing usage keys orgs core manage.py

fix: setup-dev ## Repair what ruff can repair
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock: ## Renew requirements.lock and requirements-dev.lock (needs uv)
	command -v uv > /dev/null || { echo 'make lock needs uv: pip install uv'; exit 1; }
	uv pip compile pyproject.toml --quiet --universal --generate-hashes \
		--python-version 3.11 --no-header --upgrade -o requirements.lock
	uv pip compile pyproject.toml --quiet --universal --generate-hashes \
		--python-version 3.11 --no-header --upgrade --group dev \
		-c requirements.lock -o requirements-dev.lock

venv:
	test -x $(PY) && $(PY) -c 'import pip' 2> /dev/null || { \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
			echo "Tokenhouse needs Python 3.11 or newer as $(PYTHON);" \
				'name another with: make PYTHON=python3.12 …'; exit 1; }; \
		$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
			echo "$(PYTHON) lacks the module venv or pip;" \
				'on Debian: apt-get install python3-venv'; exit 1; }; \
		$(PYTHON) -m venv --clear .venv; }

setup-dev: venv
	cmp -s requirements-dev.lock .venv/requirements-dev.lock || { \
		echo 'Installing the dependencies, with those of development …' && \
		$(PIP) install --require-hashes -r requirements-dev.lock && \
		cp requirements-dev.lock .venv/requirements-dev.lock; }

# The browser tests drive it.
chromium:
	for name in "$$CHROMIUM" chromium chromium-browser google-chrome \
		'/Applications/Chromium.app/Contents/MacOS/Chromium' \
		'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do \
		test -n "$$name" && command -v "$$name" > /dev/null && exit 0; \
	done; \
	if [ -f /etc/debian_version ] && [ "$$(id -u)" = 0 ]; then \
		echo 'Installing Chromium …'; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install -y --no-install-recommends chromium > /dev/null; \
	else \
		echo 'The browser tests need Chromium: install it (Debian: apt-get install' \
			'chromium; macOS: brew install --cask chromium) or set CHROMIUM to its path.'; \
		exit 1; \
	fi

# Locks that anybody can install from: no address, no path, no option.
check-locks:
	echo '== locks'
	! grep -nE '://| @ |^ *-[a-z]|^ *--[^h]|^[./~]' requirements.lock requirements-dev.lock

audit-locks: setup-dev
	echo '== known vulnerabilities'
	$(PY) .ci/audit.py requirements.lock requirements-dev.lock

check-django: setup-dev
	echo '== migrations and deployment'
	DATA_DIR=tests/output/data $(PY) manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
