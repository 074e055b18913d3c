# Two commands do all the set-up: `make demo` and `make test`. Both build .venv where it is missing or out of date.

PYTHON ?= python3
BIN := .venv/bin
FRESH := .venv/.fresh
LABEL := .venv-label/.fresh
DEPLOY := .venv-deploy/.fresh

.PHONY: demo check test test-all test-gpu test-label test-deploy lint format bench clean

demo: $(FRESH)
	$(BIN)/python -m tools demo --output demo_output

# Lint and the tests of single parts, within three minutes; nothing that trains or starts a bundle.
check: $(FRESH) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadscope -m "not slow and not exhaustive" tests/custom_networks \
		tests/packaging tests/tools/scoring tests/tools/datasets tests/bundles/test_configs.py

test: $(FRESH) lint
	MONAI_FAIL_ON_DUPLICATE_CONFIG=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadscope --durations 25

# What takes longer too: thousands of damaged files for every reader.
test-all: $(FRESH) lint
	MONAI_FAIL_ON_DUPLICATE_CONFIG=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadscope --durations 25 -m ""

# Every bundle trains, evaluates and infers on this machine's GPU, on simulated ones where there is none.
test-gpu: $(FRESH)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "" --durations 10 tests/gpu

# MONAI Label pins other packages than ours, so its server has an environment of its own.
test-label: $(FRESH) $(LABEL)
	AXIAL_LABEL_PYTHON="$(CURDIR)/.venv-label/bin/python" $(BIN)/python -m pytest tests/label

# So has MONAI Deploy, whose SDK brings Holoscan and its CUDA libraries; it runs on CPUs too.
test-deploy: $(FRESH) $(DEPLOY)
	AXIAL_DEPLOY_PYTHON="$(CURDIR)/.venv-deploy/bin/python" $(BIN)/python -m pytest tests/deploy

lint: $(FRESH)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(FRESH)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(FRESH)
	$(BIN)/python -m tools bench --output bench_output

clean:
	rm -rf .venv .venv-label .venv-deploy bench_output build *.egg-info demo_output dist

$(FRESH): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); ok or sys.exit("Axial needs Python 3.11 to 3.13, this is %d.%d; name another with PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $(FRESH)

$(LABEL): requirements-label.txt
	$(PYTHON) -m venv .venv-label
	.venv-label/bin/pip install --quiet -r requirements-label.txt
	.venv-label/bin/pip install --quiet --no-deps monailabel==0.8.5 pydicom-seg==0.4.1
	@touch $(LABEL)

$(DEPLOY): requirements.txt requirements-deploy.txt
	$(PYTHON) -m venv .venv-deploy
	.venv-deploy/bin/pip install --quiet -r requirements-deploy.txt
	@touch $(DEPLOY)
