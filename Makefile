# `make demo` and `make test` set up all they need: an environment of their own from the hashed lock files.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

# The settings that are checked: a deployment's, with throw-away secrets.
CHECKED := ENV_FILE= DEBUG=false SECRET_KEY=check PUBLIC_URL=https://check.example \
           KEY_ENCRYPTION_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=

.PHONY: demo install test check words clean

demo: $(VENV)/.demo
	@$(VENV)/bin/python manage.py demo $(DEMO)

install: $(VENV)/.demo

test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest $(TESTS)

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(CHECKED) $(VENV)/bin/python manage.py makemigrations --check --dry-run
	$(CHECKED) SECRET_KEY=$$($(VENV)/bin/python -c "import secrets; print(secrets.token_urlsafe(50))") $(VENV)/bin/python manage.py check --deploy --fail-level WARNING
	$(CHECKED) $(VENV)/bin/python manage.py check_content

# The interface's Welsh: brings the catalogue up to date with the pages, and compiles it.
words: $(VENV)/.demo
	$(VENV)/bin/python -m deploy.words

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv is missing; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/.demo: requirements.lock | $(VENV)/bin/python
	@echo "Installing what the tool needs (once) …"
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "Installing what the tests need (once) …"
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) var static-root
