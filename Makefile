# make demo         from nothing to biomedical vectors out of a quantized artifact, without torch
# make test         every test of every tier, with the coverage gates
# make test-fast    the fast tier: no reference weights, no oracle, no network
# make test-slow    what is like it, but kills and attacks whole processes, exports whole models, or takes large inputs
# make test-ecosystem  the adapters, Ray and Spark, in an environment of their own; needs Java 17 or newer
# make test-floors  the fast and the slow tier with the oldest dependencies that pyproject.toml admits
# make bench        measures this project's own targets on this machine
# make bench-cuda   measures cuda-fp16 beside torch on a GPU, offline, from WHEELS=folder; make cuda-wheels fills it online
# make bench-peers  measures them beside what else there is: sentence-transformers, fastembed, OpenVINO and others; an hour
# make bench-serve  loads a server with mixed requests: make bench-serve ARTIFACT=folder
# make lint         ruff, mypy, and the documentation's links
# make docs         the documentation as a site, in build/site
# make reference-pages  writes what is generated in docs/: the command line, HTTP, the table of gates
# make clean        removes environments and caches of tools; downloaded reference weights stay in the user's cache
#
# Each environment has a stamp file, so that a second run reuses it; a change of what it is made from makes it anew.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3.11 python3 python3.13 python3.12 python; do \
	"$$p" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NO_MKDOCS_2_WARNING := 1
# Python compiles what it imports, and keeps it unless a container's image says otherwise; compiling all that is
# installed takes half of installing it.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := -m pip install -qq --no-compile

BIN := .venv/bin
DEMO_BIN := .venv-demo/bin
ORACLE := .venv-oracle/bin/python
ECOSYSTEM := .venv-ecosystem/bin
PORTABLE := .venv-portable/bin
REFERENCES := all-mpnet-base-v2 all-minilm-l6-v2
COVERAGE := $(BIN)/coverage
# Files of tests are given out whole, in the order of tests/conftest.py: those that take longest first.
PARALLEL := --dist loadfile --no-loadscope-reorder
# Real tests that measure neither time nor memory, and leave a core free now and then: they emulate, unpack,
# install or import torch.
BESIDE := tests/emulated tests/family tests/hostile tests/kernels tests/oracle tests/parity tests/server tests/table tests/unit \
	$(addprefix tests/packaging/,test_lean_install.py test_silence.py test_wheel.py) \
	$(addprefix tests/real/,test_arm.py test_docker_context.py test_other_names.py test_portable_architectures.py test_web_search.py test_web_tokens.py)

.PHONY: help demo environments references test test-ecosystem test-fast test-slow test-floors lint docs reference-pages format golden bench bench-peers bench-serve clean python

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer with venv found; name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }

# The environments of the tests find the operators in the tree, where .venv/.kernels puts them: an install that compiles
# would fetch the compiler once for each. Only the demo's is what users type.
.venv/.ready .venv-floors/.ready .venv-oracle/.ready .venv-portable/.ready .venv-ecosystem/.ready: export BIOLORD_BUILD_KERNELS := off

.venv/.ready: pyproject.toml requirements/tools.txt requirements/docs.txt requirements/dev.txt | python
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python $(INSTALL) -r requirements/dev.txt -e '.[cpu,export,parquet,bench,serve]'
	touch $@

# The compiled operators, for every environment.
.venv/.kernels: .venv/.ready hatch_build.py $(shell find kernels -name "*.cc" -o -name "*.h")
	$(BIN)/python hatch_build.py install
	touch $@

.venv-floors/.ready: pyproject.toml requirements/tools.txt requirements/floors.txt | python
	rm -rf .venv-floors
	$(PYTHON) -m venv .venv-floors
	.venv-floors/bin/python $(INSTALL) -r requirements/floors.txt -e '.[cpu,export,parquet,bench,serve]'
	touch $@

.venv-demo/.ready: pyproject.toml | python
	rm -rf .venv-demo
	$(PYTHON) -m venv .venv-demo
	$(DEMO_BIN)/python $(INSTALL) -e '.[cpu,export]'
	touch $@

.venv-oracle/.ready: pyproject.toml requirements/oracle.txt | python
	rm -rf .venv-oracle
	$(PYTHON) -m venv .venv-oracle
	$(ORACLE) $(INSTALL) -r requirements/oracle.txt -e '.[cpu,export,optimum]'
	touch $@

.venv-portable/.ready: pyproject.toml requirements/portable.txt tests/node/package-lock.json | python
	rm -rf .venv-portable tests/node/node_modules
	$(PYTHON) -m venv .venv-portable
	$(PORTABLE)/python $(INSTALL) -r requirements/portable.txt -e '.[openvino]'
	cd tests/node && PATH="$(CURDIR)/$(PORTABLE):$$PATH" npm ci --silent --no-audit --no-fund
	touch $@

.venv-ecosystem/.ready: pyproject.toml requirements/ecosystem.txt | python
	rm -rf .venv-ecosystem
	$(PYTHON) -m venv .venv-ecosystem
	.venv-ecosystem/bin/python $(INSTALL) -r requirements/ecosystem.txt -e '.[cpu]'
	touch $@

environments: .venv/.ready .venv/.kernels .venv-oracle/.ready .venv-portable/.ready .venv-ecosystem/.ready

references: .venv/.ready
	$(BIN)/python -m biolord_export.demo.models $(REFERENCES)

demo: .venv-demo/.ready
	$(DEMO_BIN)/python -m biolord_export.demo.run

test: export BIOLORD_ORACLE_PYTHON := $(CURDIR)/$(ORACLE)
test: export BIOLORD_PORTABLE_PYTHON := $(CURDIR)/$(PORTABLE)/python
test: export BIOLORD_REAL_EXPORTS := $(CURDIR)/.venv/exports
test: environments references
	rm -rf $$BIOLORD_REAL_EXPORTS
	$(COVERAGE) erase
	$(COVERAGE) run -m pytest -m 'not real' -n 2 $(PARALLEL)
	$(ECOSYSTEM)/coverage run -m pytest -W default tests/ecosystem
	$(COVERAGE) combine --quiet
	$(COVERAGE) report --include='runtime/*' --fail-under=100
	$(COVERAGE) report --include='export/*' --fail-under=95
	$(BIN)/python -m pytest -m real -n 3 --durations=12 $(PARALLEL) $(BESIDE)
	$(BIN)/python -m pytest -m real --durations=12 $(addprefix --ignore=,$(BESIDE))
	rm -rf $$BIOLORD_REAL_EXPORTS

test-ecosystem: .venv-ecosystem/.ready .venv/.kernels
	$(ECOSYSTEM)/python -m pytest -W default tests/ecosystem

test-fast: .venv/.ready .venv/.kernels
	$(BIN)/python -m pytest -m 'not real and not slow' -n 2 $(PARALLEL)

test-slow: .venv/.ready .venv/.kernels
	$(BIN)/python -m pytest -m 'slow and not real' -n 2 $(PARALLEL)

test-floors: .venv-floors/.ready .venv/.kernels
	.venv-floors/bin/python -m pytest -m 'not real' -n 2 $(PARALLEL)

# What is measured: this project's targets, made from the stand-in for BioLORD-2023, with this exporter.
BENCH_ARTIFACTS := $(addprefix .bench/artifacts/,cpu-int8 cpu-int4 cpu-fp32)
CHECKPOINT = $(shell $(BIN)/python -c "from biolord_export.demo.models import reference_model; print(reference_model('all-mpnet-base-v2'))")

.bench/artifacts/%: .venv/.ready .venv/.kernels $(shell find export -name '*.py')
	$(BIN)/biolord export "$(CHECKPOINT)" $@ --target $* --force
	touch $@

bench: $(BENCH_ARTIFACTS)
	$(BIN)/biolord bench $(BENCH_ARTIFACTS) --reference .bench/artifacts/cpu-fp32 $(BENCH)

# All that the GPU's machine needs, fetched where there is an index, for machines of this one's Python and system.
.PHONY: cuda-wheels bench-cuda
WHEELS ?= .bench/wheels
CUDA_PACKAGES := torch 'transformers>=4.57,<5'
cuda-wheels: | python
	mkdir -p $(WHEELS)
	$(PYTHON) -m pip wheel -q --no-deps -w $(WHEELS) .
	$(PYTHON) -m pip download -q -d $(WHEELS) --prefer-binary --find-links $(WHEELS) 'biolord-onnx[cuda,bench,export]' $(CUDA_PACKAGES)

bench-cuda: | python
	rm -rf .bench/cuda
	$(PYTHON) -m venv .bench/cuda
	.bench/cuda/bin/python $(INSTALL) --no-index --find-links $(WHEELS) 'biolord-onnx[cuda,bench,export]' $(CUDA_PACKAGES)
	PYTHONPATH=benchmarks .bench/cuda/bin/python -m gpu_bench --json .bench/cuda.json $(if $(CHECKPOINTS),--checkpoint $(CHECKPOINTS)) $(BENCH)

bench-peers: $(BENCH_ARTIFACTS)
	mkdir -p benchmarks/results
	$(BIN)/biolord bench $(BENCH_ARTIFACTS) --peers "$(CHECKPOINT)" --threads 2 --journal .bench/journal \
		--json benchmarks/results/peers.json --markdown benchmarks/results/peers.md $(BENCH)
	$(BIN)/python -m biolord_bench.report.readme
	rm -rf .bench/journal .bench/journal.files

bench-serve: .venv/.ready .venv/.kernels
	$(BIN)/python -m biolord_bench.loads.serve_load $(ARTIFACT)

lint: .venv/.ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mkdocs build --strict

docs: .venv/.ready
	$(BIN)/mkdocs build --strict

reference-pages: .venv/.ready .venv/.kernels
	cd tests && PYTHONPATH=. ../$(BIN)/python -m documentation.regenerate

format: .venv/.ready
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

golden: export BIOLORD_ORACLE_PYTHON := $(CURDIR)/$(ORACLE)
golden: .venv/.ready .venv/.kernels .venv-oracle/.ready
	cd tests && ../$(BIN)/python -m golden.regenerate

clean:
	rm -rf .bench .venv .venv-demo .venv-ecosystem .venv-floors .venv-oracle .venv-portable tests/node/node_modules .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache runtime/.ruff_cache .hypothesis
