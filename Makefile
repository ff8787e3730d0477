# Fresh machine with Python 3.11+, make and git: `make run`, `make install` or `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVE := $(VENV)/.serve
TEST := $(VENV)/.test
PROVE := $(VENV)/.prove
MUTATION := $(VENV)/.mutation
DOCS := $(VENV)/.docs
CHARTS := $(VENV)/.charts
CLICKHOUSE := $(VENV)/.clickhouse
PARITY := .parity/.made
OPENAI_DOCUMENT := .parity/openai.json
OPENAI_COMMIT := f85dbe223d40e1a31cba812ab2d755c7e98a92a3
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# A lock names all there is to install, and all processors compile what is imported of it, where
# pip takes one and all.
INSTALL := $(PIP) install --no-deps --no-compile --require-hashes -r
COMPILE := -$(BIN)/python -m compileall -qq -j 0 -x '/(tests?|pip|setuptools|mypyc?)/' $(VENV)/lib

.PHONY: run install test check bench docs newcomer prove grafana charts image versions clickhouse golden parity hostile mutants lock release clean
.DEFAULT_GOAL := run

run: $(SERVE)
	$(BIN)/windsock demo --with-parent

install: $(SERVE)

# Compiled once, for the hundred processes that tests start: some environments forbid each to keep what it compiled.
test: $(TEST)
	$(BIN)/python -m compileall -q src
	$(BIN)/python -m pytest -n 4 --dist loadgroup $(PYTEST_ARGS)

check: $(TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports
	$(BIN)/vulture

bench: $(TEST)
	$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

# The site, into .site/: open .site/index.html, no server and no network is needed.
docs: $(DOCS)
	$(BIN)/python -m mkdocs build --strict --quiet --config-file deploy/site/mkdocs.yml

# The README's commands, one after the other, as somebody types them who has this folder and one key.
newcomer: $(TEST)
	$(BIN)/python -m pytest -n 0 -s tests/prove_newcomer.py

# Google's and Mistral's SDKs read the fakes of tests/providers as they read their providers, and windsock as Google.
prove: $(PROVE)
	$(BIN)/python -m pytest -n 0 -W default tests/providers/prove_fakes.py tests/providers/prove_gemini_front.py tests/golden/prove_types.py

# Every rule fires and stays silent, every panel is answered, by a real Prometheus; fetched by apt unless PROMETHEUS names the folder of its programs.
grafana: $(TEST) $(if $(PROMETHEUS),,.prometheus/usr/bin/promtool)
	PROMETHEUS=$(or $(PROMETHEUS),$(CURDIR)/.prometheus/usr/bin) $(BIN)/python -m pytest -n 0 tests/deploy/prove_prometheus.py

.prometheus/usr/bin/promtool:
	mkdir -p .prometheus && cd .prometheus && apt-get -qq download prometheus && dpkg-deb -x prometheus_*.deb .
	touch $@

# deploy/helm as Helm's own library renders it, against the schemas of four versions of Kubernetes.
charts: $(CHARTS)
	$(BIN)/python -m pytest -n 0 -W default tests/deploy/prove_charts.py

# The steps of deploy/Dockerfile without a container, and what they make serves: Linux, as root.
image: $(TEST)
	$(BIN)/python -m pytest -n 0 -W default tests/deploy/prove_image.py

# A wheel of an earlier commit and this tree serve side by side over one PostgreSQL, through the upgrade of its schema.
versions: $(TEST)
	$(BIN)/python -m pytest -n 0 -W default -s tests/deploy/prove_versions.py

# What the sink says to ClickHouse, said to ClickHouse's own engine.
clickhouse: $(CLICKHOUSE)
	$(BIN)/python -m pytest -n 0 -W default -s tests/store/sinks/prove_clickhouse.py

# Ten thousand requests as nobody means them, to every call of a running service.
hostile: $(TEST)
	HOSTILE_EXAMPLES=10000 $(BIN)/python -m pytest -n 0 tests/attacks/test_hostile.py

# Real clients and agents, directly and through windsock; needs uv, node with npm, and java. See docs/clients.md.
parity: $(TEST) $(PARITY) $(OPENAI_DOCUMENT)
	$(BIN)/python -m tests.parity $(PARITY_ARGS)
	$(BIN)/python -m tests.parity.answers .parity/answers.json
	.parity/schemathesis/bin/python tests/parity/drivers/validate.py $(OPENAI_DOCUMENT) .parity/answers.json
	$(BIN)/python -m tests.parity.fuzzed .parity/schemathesis/bin/schemathesis

# Writes the files of tests/golden anew: read the difference before keeping it.
golden: $(TEST)
	GOLDEN=write $(BIN)/python -m pytest -n 0 tests/golden

# Changes the code in a hundred small ways a file, and counts which the tests notice: hours on two cores.
mutants: $(MUTATION)
	$(BIN)/mutmut run $(MUTANTS)
	$(BIN)/mutmut export-cicd-stats
	$(BIN)/python -m tests.mutation

$(VENV)/pyvenv.cfg:
	$(PYTHON) -c 'import sys; sys.exit("windsock needs Python 3.11 or newer; name one with make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(SERVE): $(VENV)/pyvenv.cfg deploy/locks/serve.txt deploy/locks/build.txt pyproject.toml
	$(INSTALL) deploy/locks/build.txt
	$(INSTALL) deploy/locks/serve.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(COMPILE)
	touch $@

$(TEST): $(SERVE) deploy/locks/test.txt
	$(INSTALL) deploy/locks/test.txt
	$(COMPILE)
	touch $@

$(PROVE): $(TEST) deploy/locks/prove.txt
	$(PIP) install --require-hashes -r deploy/locks/prove.txt
	touch $@

$(DOCS): $(SERVE) deploy/locks/docs.txt
	$(PIP) install --require-hashes -r deploy/locks/docs.txt
	touch $@

$(CHARTS): $(TEST) deploy/locks/charts.txt
	$(PIP) install --require-hashes -r deploy/locks/charts.txt
	touch $@

$(CLICKHOUSE): $(TEST) deploy/locks/clickhouse.txt
	$(PIP) install --require-hashes --no-deps -r deploy/locks/clickhouse.txt
	touch $@

$(MUTATION): $(TEST) deploy/locks/mutation.txt
	$(PIP) install --require-hashes -r deploy/locks/mutation.txt
	touch $@

PARITY_PYTHON := sdks frameworks pydantic-ai litellm aider schemathesis
PARITY_NODE := sdks-node continue-node agents-node
PARITY_LOCKS := tests/parity/environments

$(PARITY): $(wildcard $(PARITY_LOCKS)/*.txt $(PARITY_LOCKS)/*/package*.json)
	for each in $(PARITY_PYTHON); do \
	  uv venv -q --allow-existing --python $(BIN)/python .parity/$$each && \
	  uv pip sync -q --python .parity/$$each/bin/python --require-hashes $(PARITY_LOCKS)/$$each.txt || exit 1; \
	done
	for each in $(PARITY_NODE); do \
	  mkdir -p .parity/$$each && cp $(PARITY_LOCKS)/$$each/package*.json $(PARITY_LOCKS)/$$each/.npmrc .parity/$$each/ && \
	  npm install --prefix .parity/$$each --no-progress --ignore-scripts || exit 1; \
	done
	touch $@

$(OPENAI_DOCUMENT):
	mkdir -p .parity && git init -q .parity/openai && \
	git -C .parity/openai fetch -q --depth 1 https://github.com/openai/openai-openapi $(OPENAI_COMMIT) && \
	git -C .parity/openai show $(OPENAI_COMMIT):openapi.json > $@.part && mv $@.part $@

IN_IMAGE := postgres redis otel aws azure gcp

# Needs uv; writes the ten lock files anew from pyproject.toml.
lock:
	printf 'hatchling==1.33.0\neditables==0.5\n' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header - -o deploy/locks/build.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o deploy/locks/serve.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra test -c deploy/locks/serve.txt -o deploy/locks/test.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml $(addprefix --extra ,$(IN_IMAGE)) -c deploy/locks/test.txt -o deploy/locks/container.txt
	printf 'helm-python-sdk==0.2.2\nkubernetes-validate==1.37.0\npyyaml>=6\n' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header -c deploy/locks/test.txt - -o deploy/locks/charts.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra prove -c deploy/locks/test.txt -o deploy/locks/prove.txt
	printf 'mkdocs-material>=9.6,<10\nlatex2mathml>=3.77\n' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header -c deploy/locks/test.txt - -o deploy/locks/docs.txt
	printf 'mutmut>=3.8,<4\n' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header -c deploy/locks/test.txt - -o deploy/locks/mutation.txt
	printf 'chdb-core==26.9.0\n' | uv pip compile -q --universal --no-deps --python-version 3.11 --generate-hashes --no-header - -o deploy/locks/clickhouse.txt
	printf 'cyclonedx-bom>=7,<8\nhatchling==1.33.0\n' | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header - -o deploy/locks/release.txt

# Wheel, source archive and bill of materials into dist/, from a clean tree; TAG=1 tags it.
release:
	$(PYTHON) -m venv .release
	.release/bin/python -m pip --disable-pip-version-check -q install --require-hashes -r deploy/locks/release.txt
	.release/bin/python deploy/release.py

clean:
	rm -rf $(VENV) .parity .prometheus .release .site mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
