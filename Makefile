# make report   sets up .venv, runs the quick study, writes reports/quick/index.html
# make report STUDY=temperature   the same for another study
# make literature   published results recomputed: runs that study, writes reports/literature/index.html
# make frontier the straight-through frontier: least variance at each bias; writes reports/frontier/index.html
# make test     sets up .venv, checks style and types, runs the tests; SLOW=1 takes the slow proofs too, as .ci/run does
# make setup    the set-up alone
# make bench    times this commit's kernels with asv (the first call builds asv's environment); docs/asv.md
# make bench-range RANGE=HEAD~5..HEAD   times those commits, without what has a result
# make asv-page writes reports/asv from asv's results
# make coverage  how often intervals hold known truths, 10,000 times each (an hour on two cores); writes reports/coverage
# make peers    other people's code beside ours, in an environment of its own; writes reports/peers
# make gallery  writes reports/index.html and reports/README.md from the reports' own pages
# make recommend-proof   how often recommend is right: 200 runs a problem and budget, docs/recommend-proof.md
# make readme   writes the README's tables anew from the catalogues
PYTHON ?= python3
STUDY  ?= quick
OUT    ?= reports/$(STUDY)
STORE  ?= $(STUDY).db
WORKERS ?= 2
# the README shows figures of quick; other pages hold theirs themselves, and stay small so
FIGURES ?= $(if $(filter quick,$(STUDY)),,--no-figures)
RANGE  ?= HEAD~5..HEAD
# the harness, the numba kernels and the eight estimators that have kernels; BENCH=. takes all, and far longer
FIRST  := reinforce|rloo|reparameterization|gumbel_softmax|straight_through|st_gumbel_softmax|gumbel_rao|reinmax
BENCH  ?= ^harness|^numba_kernels|^estimators\.($(FIRST))\.
BIN    := .venv/bin
STAMP  := .venv/.installed

.PHONY: setup report test lint readme clean bench bench-range asv-page gallery literature coverage frontier recommend-proof peers

setup: $(STAMP)

# A failed install leaves no stamp, so the next call begins it again.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "varbench needs Python 3.11 or newer as '$(PYTHON)': install it, or name one: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing: apt-get install python3-venv (Debian, Ubuntu), then run make again" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

report: $(STAMP)
	$(BIN)/varbench run $(STUDY) --out $(STORE) --workers $(WORKERS)
	$(BIN)/varbench report $(STORE) -o $(OUT) $(FIGURES)
	@case '$(OUT)' in reports/*) $(BIN)/python -m varbench.analysis.gallery reports;; esac

# Statistics only: what papers print has no seconds, and the same seed gives the same page.
literature: $(STAMP)
	$(BIN)/varbench run literature --workers $(WORKERS) --no-timing
	$(BIN)/python -m varbench.analysis.literature.page literature.db -o reports/literature
	$(BIN)/python -m varbench.analysis.gallery reports

# A killed run goes on where it was; counts do not depend on the number of workers.
coverage: $(STAMP)
	$(BIN)/varbench coverage --workers $(WORKERS) --page reports/coverage
	$(BIN)/python -m varbench.analysis.gallery reports

# No store: the frontier has no draws but those of forms with noise of their own.
frontier: $(STAMP)
	$(BIN)/python -m varbench.bench.frontier.study -o reports/frontier/frontier.json
	$(BIN)/python -m varbench.analysis.frontier.page reports/frontier/frontier.json -o reports/frontier
	$(BIN)/python -m varbench.analysis.gallery reports

# 200 searches for each of 16 rows.
recommend-proof: $(STAMP)
	$(BIN)/python -m varbench.bench.search_proof --workers $(WORKERS) -o docs/recommend-proof.md

# The peers' environment is no part of varbench's: they pin packages of their own.
peers: $(STAMP) .venv-peers/.installed
	$(BIN)/varbench peers -o reports/peers
	$(BIN)/python -m varbench.analysis.gallery reports

.venv-peers/.installed: peers-constraints.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check --constraint peers-constraints.txt \
	  torch storchastic reinmax jax vector-quantize-pytorch
	@touch $@

gallery: $(STAMP)
	$(BIN)/python -m varbench.analysis.gallery reports

test: $(STAMP) lint
	$(BIN)/pytest $(if $(SLOW),,-m "not slow")

# The README's tables, between their markers, from the catalogues.
readme: $(STAMP)
	$(BIN)/python docs/refresh_readme.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv .venv-peers build dist *.egg-info

# asv keeps what it knows of this machine in ~/.asv-machine.json, all else under .asv/.
bench: $(STAMP)
	@$(BIN)/asv machine --yes >/dev/null
	$(BIN)/asv run --bench '$(BENCH)' 'HEAD^!'

bench-range: $(STAMP)
	@$(BIN)/asv machine --yes >/dev/null
	$(BIN)/asv run --bench '$(BENCH)' --skip-existing '$(RANGE)'

asv-page: $(STAMP)
	$(BIN)/python -m varbench.analysis.history.page .asv/results -o reports/asv
	$(BIN)/python -m varbench.analysis.gallery reports
