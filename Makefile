# make demo · make test: both need nothing but Python 3.11 or 3.12 and make.
PYTHON ?= $(shell command -v python3.12 || command -v python3.11 || command -v python3)
BIN := .venv/bin
# Large pointwise operations are up to three times faster when the allocator keeps its pages (Linux; ignored elsewhere).
FAST_ALLOCATION := MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456

.PHONY: demo test lint bench campaigns docs-images starter clean

demo: .venv/complete
	$(FAST_ALLOCATION) $(BIN)/mssoftseg demo --out demo --overwrite

test: .venv/complete .venv-hd-bet/complete lint
	MSSOFTSEG_TEST_HD_BET=1 $(BIN)/python -m pytest

lint: .venv/complete
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Everything that demo and test need, at the versions that they are run with.
.venv/complete: pyproject.toml constraints.txt
	"$(PYTHON)" -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 13) else "Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python3.11")'
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

# HD-BET's own environment, for the tests that run the real package (about 1.6 GB).
.venv-hd-bet/complete:
	"$(PYTHON)" -m venv .venv-hd-bet
	.venv-hd-bet/bin/python -m pip install --quiet --no-compile --disable-pip-version-check hd-bet==2.0.1 nnunetv2==2.8.1 torch==2.13.0
	touch $@

bench: .venv/complete
	$(BIN)/python Benchmarks/brain_extraction.py ../shared/data/open_ms

campaigns: .venv/complete
	MSSOFTSEG_CAMPAIGN=1 $(BIN)/python -m pytest Testing/campaigns -q

docs-images: demo
	$(BIN)/python Docs/make_images.py

# Train the starter model anew: hours on two cores. DATA is the folder open_ms of the public data (see the model's card).
DATA ?= ../shared/data/open_ms
starter: .venv/complete
	$(FAST_ALLOCATION) nice $(BIN)/python -m MSSoftSegLib.training.starter --data "$(DATA)" --out runs/starter --resume

clean:
	rm -rf .venv .venv-hd-bet demo build *.egg-info
