# Every target sets up what it needs: `make run` on a fresh machine is enough. `make` alone lists the targets.

UV_VERSION := 0.13.9
ARGS ?=
# More than three leave the longest group of tests to wait for.
TEST_PROCESSES ?= 2

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON := .venv/bin/python
ENVIRONMENT := .venv/.synced
SAMPLE := data/nyc_flights/.built
WEB := examples/device/web
LITERT_JS := $(WEB)/node_modules/.package-lock.json

# The uv on PATH if it can read our lock, else a pinned one inside the project.
define FIND_UV
uv=uv; \
if ! uv export --frozen --quiet --no-progress >/dev/null 2>&1; then \
  uv=.tools/bin/uv; \
  if ! "$$uv" --version 2>/dev/null | grep -qF "uv $(UV_VERSION)"; then $(INSTALL_UV); fi; \
fi
endef

# Debian's python3.11 comes without venv and pip: whichever of the two is there will do, else venv is installed.
define INSTALL_UV
echo "Installing uv $(UV_VERSION) into .tools" >&2; \
rm -rf .tools; \
$(UV_BY_VENV) \
  || { rm -rf .tools; $(UV_BY_PIP); } \
  || { rm -rf .tools; $(INSTALL_VENV) && $(UV_BY_VENV); } \
  || { rm -rf .tools; \
       echo "uv could not be installed: python3.11 with venv or pip, and a package index, are needed." >&2; \
       echo "  sudo apt-get install -y python3.11 python3.11-venv" >&2; \
       exit 2; }
endef

define UV_BY_VENV
python3.11 -m venv .tools >/dev/null 2>&1 && .tools/bin/python -m pip install --quiet uv==$(UV_VERSION)
endef

define UV_BY_PIP
python3.11 -c "import pip" 2>/dev/null && python3.11 -m pip install --quiet --target .tools uv==$(UV_VERSION)
endef

# Only where python3.11 lacks it and apt-get may run without a question. A new machine's package lists are empty or old,
# and its lock may be held by the first upgrade; a list that cannot be renewed need not be the one that is asked.
define INSTALL_VENV
command -v apt-get >/dev/null && command -v python3.11 >/dev/null \
  && ! python3.11 -c "import ensurepip" 2>/dev/null && ! python3.11 -c "import pip" 2>/dev/null \
  && if [ "$$(id -u)" = 0 ]; then as_root=; else as_root="sudo -n"; $$as_root true 2>/dev/null; fi \
  && echo "Installing python3.11-venv with apt-get, for python3.11 has neither venv nor pip" >&2 \
  && apt_get="$$as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120" \
  && { $$apt_get update >/dev/null 2>&1 || true; } \
  && { apt_said=$$({ $$apt_get install python3.11-venv || $$apt_get install python3-venv; } 2>&1) \
       || { echo "$$apt_said" >&2; false; }; }
endef

# A notebook's kernel starts in the notebook's folder, and imports the project from there as well.
define MAKE_IMPORTABLE
echo "$(CURDIR)" > .venv/lib/python3.11/site-packages/project.pth
endef

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z -]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sort | sed -E 's/^([a-z -]+):.*## /  make \1\t/' \
	  | expand -t 22

.PHONY: run
run: $(ENVIRONMENT) $(SAMPLE) ## train, evaluate and push on the sample data; ARGS="--quick" passes flags on
	@$(PYTHON) run_local.py $(ARGS)

.PHONY: verify
verify: $(ENVIRONMENT) ## count the latest run's rows anew, and check its metrics by TFMA's own evaluation; ARGS="--rows 2000"
	@$(PYTHON) -m pipeline verify $(ARGS)

.PHONY: notebook
notebook: $(ENVIRONMENT) ## open the notebooks in JupyterLab; ARGS="--no-browser --port 8889" passes flags on
	@# Jupyter refuses root, who in a container is the only user; the server asks for its token either way.
	@.venv/bin/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks \
	  $$([ "$$(id -u)" != 0 ] || echo --allow-root) $(ARGS)

.PHONY: notebook-html
notebook-html: $(ENVIRONMENT) ## run the notebooks on the latest run, and write pages of them to output/notebooks
	@ls output/runs/*/run.json >/dev/null 2>&1 || { echo "no run in output/ to look at: make run" >&2; exit 2; }
	@.venv/bin/jupyter nbconvert --config notebooks/jupyter_nbconvert_config.py $(ARGS) notebooks/*.ipynb

.PHONY: tensorboard
tensorboard: $(ENVIRONMENT) ## show the trainings of output/ in TensorBoard; ARGS="--output other --port 6007"
	@TF_CPP_MIN_LOG_LEVEL=2 $(PYTHON) -m pipeline tensorboard $(ARGS)

.PHONY: device-demo
device-demo: $(ENVIRONMENT) $(LITERT_JS) ## open the page of the released device models; ARGS="--output other --port 8091"
	@$(PYTHON) $(WEB)/serve.py $(ARGS)

.PHONY: test
test: $(ENVIRONMENT) $(SAMPLE) ## run the tests in TEST_PROCESSES=2; ARGS="tests/schema -x" passes arguments on
	@$(PYTHON) -m pytest -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: $(ENVIRONMENT) ## check style, types and layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

.PHONY: format
format: $(ENVIRONMENT) ## mend what ruff can mend, and strip the notebooks' outputs
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/jupyter nbconvert --clear-output --inplace --log-level WARN notebooks/*.ipynb

.PHONY: doctor
doctor: ## say what does not fit on this machine, and the line that mends it
	@for python in $(PYTHON) python3.11 python3; do \
	  command -v "$$python" >/dev/null && exec "$$python" -m pipeline doctor; \
	done; \
	echo "no Python found: sudo apt-get install -y python3.11 python3.11-venv" >&2; exit 2

.PHONY: reference
reference: $(ENVIRONMENT) $(SAMPLE) ## score gradient boosting on the same features and split
	@$(PYTHON) -m benchmarks.reference $(ARGS)

.PHONY: bench
bench: $(ENVIRONMENT) $(SAMPLE) ## run stock TFX and this project side by side; ARGS="--pairs 1 --rows 5000" for a trial
	@$(PYTHON) -m benchmarks.bench $(ARGS)

.PHONY: bench-scale
bench-scale: $(ENVIRONMENT) $(SAMPLE) ## run this project at 1, 3 and 10 times the rows
	@$(PYTHON) -m benchmarks.scale $(ARGS)

.PHONY: flink spark
flink spark: ## lay out Beam's job server for that engine, with Maven; then --set beam.runner=flink (or spark)
	@command -v mvn >/dev/null || { echo "Maven is needed: sudo apt-get install -y maven" >&2; exit 2; }
	@echo "Laying out Beam's job server for $@ in .tools/job_server/$@" >&2
	@rm -rf .tools/job_server/$@
	@mvn -q -B -f deploy/job_server/$@/pom.xml dependency:copy-dependencies \
	  -DincludeScope=runtime -DoutputDirectory="$(CURDIR)/.tools/job_server/$@" $(ARGS)

.PHONY: test-flink
test-flink: $(ENVIRONMENT) $(SAMPLE) ## run the pipeline's Beam nodes on Flink and on Spark, and compare with the direct runner
	@for engine in flink spark; do \
	  [ -d .tools/job_server/$$engine ] || $(MAKE) --no-print-directory $$engine || true; \
	done
	@$(PYTHON) -m pytest tests/engines -m engines $(ARGS)

.PHONY: test-image
test-image: $(ENVIRONMENT) ## build the image in a root of its own and run the graph in it; needs root, debootstrap, a network
	@$(PYTHON) -m pytest tests/deploy/test_image.py -m image $(ARGS)

.PHONY: sync
sync: ## bring the environment to the lock, even if it was changed by hand
	@$(FIND_UV); \
	"$$uv" sync --frozen --quiet
	@$(MAKE_IMPORTABLE)
	@touch $(ENVIRONMENT)

.PHONY: data
data: $(SAMPLE) ## build the sample data

.PHONY: lock
lock: ## resolve the dependencies anew after a change of pyproject.toml
	@$(FIND_UV); \
	"$$uv" lock
	@$(MAKE) --no-print-directory requirements

.PHONY: requirements
requirements: ## export the lock for plain pip
	@$(FIND_UV); \
	"$$uv" export --frozen --quiet --no-default-groups --group runtime --group sample --no-emit-project --no-annotate \
	  --output-file requirements.txt

# Of the image for CPUs; what the Dockerfile leaves out of it is listed all the same.
.PHONY: sbom
sbom: ## write what the image is made of to build/sbom.json (CycloneDX)
	@mkdir -p build; \
	$(FIND_UV); \
	"$$uv" export --frozen --quiet --no-default-groups --group runtime --group cpu --format cyclonedx1.5 \
	  --preview-features sbom-export --output-file build/sbom.json >/dev/null
	@echo build/sbom.json

.PHONY: licenses
licenses: $(ENVIRONMENT) sbom ## write the licences of what the image is made of to build/licenses.md
	@$(PYTHON) deploy/licenses.py --sbom build/sbom.json > build/licenses.md
	@echo build/licenses.md

.PHONY: audit
audit: $(ENVIRONMENT) ## ask for known vulnerabilities of the locked packages; says so where no service is reached
	@$(FIND_UV); \
	$(PYTHON) deploy/audit.py --uv "$$uv" $(ARGS)

.PHONY: clean
clean: ## remove what the tools cache; the environment, the data and the output stay
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +

$(ENVIRONMENT): uv.lock
	@echo "Setting up the locked environment in .venv (a minute or two, once)" >&2
	@$(FIND_UV); \
	"$$uv" sync --frozen --quiet
	@$(MAKE_IMPORTABLE)
	@touch $@

$(LITERT_JS): $(WEB)/package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed, once: sudo apt-get install -y npm" >&2; exit 2; }
	@echo "Installing LiteRT.js into $(WEB)/node_modules (40 MB, once)" >&2
	@npm ci --prefix $(WEB) --no-audit --no-fund --silent
	@touch $@

$(SAMPLE): ingestion/nyc_flights.py | $(ENVIRONMENT)
	@$(PYTHON) -m ingestion.nyc_flights data/nyc_flights
	@touch $@
