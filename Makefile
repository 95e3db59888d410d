# What is made, run, tested and checked here; CI runs the same.
# Rust by rustup is all that must be there: see docs/building.md.

HARNESS := target/release/host-harness
CARD := dist/mixpanel-create-profile.wasm
SCHEMA := dist/mixpanel-create-profile.schema.json
PYTHON := target/python/bin/python

.PHONY: help component run test test-python test-hosts test-node-red test-wheel test-airflow test-obelisk packages publish test-registry audit figures-obelisk soak stress fuzz bench bench-peers chart lint fmt clean

help:
	@sed -n 's/^\([a-z-]*\):.*## */\1\t/p' Makefile | expand -t 16

component: ## dist/: the card and the JSON Schema of its form
	@scripts/setup.sh
	@[ -e $(HARNESS) ] || echo "The first build compiles wasmtime: about five minutes on two processors."
	@# Of the workspace, so that crates have the features that they have in the tests: one build serves both.
	cargo build --locked --release --workspace --bins
	@mkdir -p dist
	$(HARNESS) stamp "$$(scripts/build-component.sh)" $(CARD)
	$(HARNESS) schema > $(SCHEMA)

run: component ## the card against a stand-in for Mixpanel, twice for the same user
	$(HARNESS) run --stand-in --input examples/new-profile.json --input examples/same-profile-again.json

test: component ## every test in Rust: native, and end to end over sockets
	cargo test --locked --release --workspace

test-python: component ## the card in wasmtime's Python package, as it is
	python3 -m venv target/python
	$(PYTHON) -m pip install --quiet --require-hashes --requirement tests/python/requirements.txt
	COMPONENT=$(CARD) STAND_IN=$(HARNESS) $(PYTHON) -m pytest --quiet -p no:cacheprovider tests/python

test-hosts: component ## the card in other hosts: wasmtime, jco, wasmCloud
	STAND_IN=$(HARNESS) tests/hosts/test.sh

test-node-red: component ## the card in Node-RED
	integrations/node-red/test.sh

test-wheel: component ## the Python package, in every version of Python that is here
	STAND_IN=$(HARNESS) integrations/python/test.sh

test-airflow: component ## the card in Airflow
	STAND_IN=$(HARNESS) integrations/airflow/test.sh

test-obelisk: component ## the card in Obelisk, on one server and on several
	integrations/obelisk/test.sh

figures-obelisk: component ## users a second of the workflow in Obelisk, beside the former one
	python3 integrations/obelisk/tests/figures.py

packages: component ## dist/: everything that a release consists of
	scripts/packages.sh

publish: ## component and interface to REGISTRY, such as ghcr.io/someone
	scripts/publish.sh "$(REGISTRY)"

test-registry: packages ## the packages in a registry on this machine, and back
	scripts/test-registry.sh

audit: ## licences, sources and hashes of what this is built from, and the workflows
	scripts/audit.sh

soak: component ## many calls at once against a stand-in that fails a tenth of them
	SOAK_CALLS=100000 SOAK_USERS=200000 cargo test --locked --release --test soak -- --nocapture

stress: component ## every test 20 times while all processors are busy
	scripts/stress.sh

fuzz: ## each fuzz target for FUZZ_SECONDS (60)
	fuzz/run.sh

bench: component ## what the card costs: the table of BENCHMARKS.md; BENCH="--beside FOLDER" for another commit
	cargo bench --locked --workspace --bench bench -- $(BENCH)

bench-peers: ## the same, beside Mixpanel's own libraries for Python and Node too
	python3 -m venv target/bench-peers/python
	target/bench-peers/python/bin/python -m pip install --quiet --require-hashes --requirement benches/peers/requirements.txt
	cp benches/peers/package.json benches/peers/package-lock.json target/bench-peers
	npm ci --silent --prefix target/bench-peers
	$(MAKE) bench

chart: ## the README's chart, from scripts/chart/figures.csv
	scripts/chart.sh

lint: ## format, and clippy with warnings as errors
	cargo fmt --all --check
	cargo clippy --locked --release --workspace --all-targets -- --deny warnings

fmt: ## format
	cargo fmt --all

clean: ## remove what was made
	cargo clean
	rm -rf dist
