# make demo · make test: both need nothing but Python 3.11 or 3.12 and make.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))
# The first that really starts: a name on the path can be a shim for a version that is not there.
PYTHON ?= $(shell for name in python3.11 python3.12 python3 python; do \
	"$$name" -c '$(SUITABLE)' >/dev/null 2>&1 && command -v "$$name" && break; done)
BIN := .venv/bin
# Large pointwise operations are up to three times faster when the allocator keeps its pages (Linux; ignored elsewhere).
FAST_ALLOCATION := MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456

.PHONY: demo test test-quick lint bench campaigns docs-images model clean

demo: .venv/complete
	$(FAST_ALLOCATION) $(BIN)/mssoftseg demo --out demo --overwrite

test: .venv/complete .venv-hd-bet/complete lint
	MSSOFTSEG_TEST_HD_BET=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=12

# What needs no panel, no training and no registration: for the minutes between two thoughts.
test-quick: .venv/complete
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=12 -m "not slow" \
		Testing/house Testing/MSSoftSeg Testing/MSSoftSegLib

lint: .venv/complete
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m Testing.house

# Everything that demo and test need, at the versions that they are run with.
.venv/complete: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 was found — install one, or: make PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -c '$(SUITABLE)' || { echo "error: $(PYTHON) is not Python 3.11 or 3.12 — choose another"; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

# HD-BET's own environment, for the tests that run the real package (about 1.6 GB).
.venv-hd-bet/complete:
	"$(PYTHON)" -m venv .venv-hd-bet
	.venv-hd-bet/bin/python -m pip install -qq --no-compile --disable-pip-version-check hd-bet==2.0.1 nnunetv2==2.8.1 torch==2.13.0
	touch $@

# nnU-Net takes part where `make .venv-hd-bet/complete` was run. EXAM: a folder with a raw exam, instead of a digital patient;
# ANTS: a Python that has antspyx, which else is left out, as are back ends that are not installed.
bench: .venv/complete
	$(BIN)/python Benchmarks/speed/inference.py
	$(BIN)/python Benchmarks/speed/inference.py --fine
	$(BIN)/python Benchmarks/speed/preprocessing.py $(if $(ANTS),--ants "$(ANTS)")
	$(BIN)/python Benchmarks/speed/backends.py
	$(BIN)/python Benchmarks/speed/whole_job.py $(if $(EXAM),--exam "$(EXAM)")
	$(BIN)/python Benchmarks/speed/starting.py
	$(BIN)/python Benchmarks/speed/training.py
	$(BIN)/python Benchmarks/speed/growth.py
	$(BIN)/python Benchmarks/speed/draw.py
	OMP_NUM_THREADS=1 $(BIN)/python Benchmarks/soft_masks.py
	$(BIN)/python Benchmarks/brain_extraction.py ../shared/data/open_ms
	$(BIN)/python Benchmarks/slicer_latency.py

# Hours; the last line draws new examples for every property test.
campaigns: .venv/complete
	MSSOFTSEG_CAMPAIGN=1 $(BIN)/python -m pytest Testing/campaigns -q
	MSSOFTSEG_CAMPAIGN=1 $(BIN)/python -m pytest Testing -q -m "hypothesis and not slow"

docs-images: demo
	$(BIN)/python Docs/make/report_picture.py
	$(BIN)/python Docs/make/soft_mask_picture.py Docs/pictures/soft_masks.png
	$(BIN)/python Docs/make/screenshots.py --exam demo/exam --result demo/result
	$(BIN)/python Docs/make/screenshots.py --exam demo/exam --result demo/result --dark

# Train the shipped model anew: hours on two cores. DATA is the folder with open_ms, catania and tabriz (see the model's card).
DATA ?= ../shared/data
model: .venv/complete
	$(FAST_ALLOCATION) nice $(BIN)/python -m MSSoftSegLib.training.shipped --data "$(DATA)" --run runs/shipped \
		--card Resources/Models/starter/card.md --out runs/starter --judge

clean:
	rm -rf .venv .venv-hd-bet demo build *.egg-info
