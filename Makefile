# Everything that a contributor does, by one word each. `make` alone lists the words.
SHELL := /bin/bash
BIN := node_modules/.bin
CORES = $(shell getconf _NPROCESSORS_ONLN)
# The make of macOS does not know the option.
ONE_BLOCK := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.DEFAULT_GOAL := help
.PHONY: help check-node install run dev build format format-check lint types docs-check knip package-check \
        checks quick test test-watch coverage e2e bench bench-check bench-memory bench-timing soak hostile clean \
        deploy-aca deploy-aca-terraform deploy-aks \
        setup-tiktoken pack-dependencies image-check offline-check

help: ## List the targets (the default)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

check-node:
	@command -v node >/dev/null || { echo 'Could not find node. Install Node.js 20.19 or newer: https://nodejs.org' >&2; exit 1; }
	@node scripts/check-node.mjs

install: check-node node_modules/.package-lock.json ## Install the dependencies, when they are not there yet

# npm writes this file at the end of each installation: it is the stamp. No package has to run anything of its own to be
# installed, and make builds when it has to.
node_modules/.package-lock.json: package-lock.json
	@node scripts/check-install.mjs || { echo 'Installing the packages, once; it takes about a minute.'; npm ci --ignore-scripts --no-audit --no-fund; }
	@touch $@

run: build ## Build and start the simulator (Ctrl-C ends it); ARGS="--port 9000" are handed on
	@exec node dist/cli/main.js $(ARGS)

dev: install ## Start the simulator from source, and again after each change
	@exec npm run --silent dev

build: install ## Bundle src/ into dist/, with type declarations
	@npm run --silent build

format: install ## Write every file in the one format
	@$(BIN)/prettier --write --log-level warn .

format-check: install ## Check the format without writing
	@$(BIN)/prettier --check .

lint: install ## Look for mistakes, with type information
	@$(BIN)/oxlint --type-aware --deny-warnings

types: install ## Check the types of the source, tests, benchmarks and settings
	@$(BIN)/tsc

docs-check: install ## Check that the generated documents match the code
	@$(BIN)/tsx scripts/generate-docs.ts --check
	@$(BIN)/tsx scripts/draw-timing.ts --check
	@$(BIN)/tsx scripts/draw-ways.ts --check

knip: install ## Look for unused files, exports and dependencies
	@$(BIN)/knip

package-check: build ## Check what would be published
	@npm run --silent check:package

# The checks do not depend on each other and run side by side, the longest first. Each prints what it has to say as one block.
checks: install ## Run every check that is not a test
	@$(MAKE) --no-print-directory --keep-going --jobs=$(CORES) $(ONE_BLOCK) \
		format-check lint types package-check docs-check knip

# The commit that the work tree is compared with: the last one by default. Tests that read a changed file without importing
# it, such as the ones of documents, run only with TESTS=all.
TESTS ?= HEAD
quick: format-check lint types ## Run before a commit: format, lint, types and the tests of what changed (TESTS=main: since main; TESTS=all: all but end-to-end)
	@$(BIN)/vitest run --project 'unit*' $(if $(filter all,$(TESTS)),,--changed $(TESTS))

# After the checks, and one run for all tests: its closing line counts unit, integration and end-to-end tests together.
test: checks ## Run everything that a change must pass; the last line counts the tests
	@$(BIN)/vitest run

test-watch: install ## Run the unit and integration tests again after each change
	@$(BIN)/vitest --project 'unit*'

coverage: install ## Measure the coverage of the unit and integration tests; coverage/index.html shows each line
	@$(BIN)/vitest run --project 'unit*' --coverage
	@node scripts/show-coverage.mjs

e2e: build ## Run the end-to-end tests against a fresh build
	@$(BIN)/vitest run --project 'e2e*'

bench: build ## Compare with a bare server and with aimock (BENCH="--quick" is short, "--save" keeps the result, "--workers 2")
	@$(BIN)/tsx bench/run.ts $(BENCH)

bench-check: build ## Fail when a ratio is more than 15 % below the kept one (BENCH="--quick" takes one to two minutes)
	@$(BIN)/tsx bench/check.ts $(BENCH)

# Each of 10,000 streams is a file descriptor.
bench-memory: build ## Measure memory at rest, for open streams and for recordings (BENCH="--save" keeps the result)
	@ulimit -n "$$(ulimit -Hn)" && $(BIN)/tsx bench/memory.ts $(BENCH)

bench-timing: build ## Compare the waiting times that a client sees with those configured (BENCH="--streams 500,1000" looks for the knee)
	@$(BIN)/tsx bench/timing.ts $(BENCH)

soak: build ## Look for leaks and loss of speed under load for a minute (SOAK="--minutes 10" is the full one)
	@ulimit -n "$$(ulimit -Hn)" && $(BIN)/tsx bench/soak.ts $(SOAK)

hostile: build ## Try what hostile clients and files do (HOSTILE="--case text" takes some of the cases)
	@ulimit -n "$$(ulimit -Hn)" && $(BIN)/tsx bench/hostile.ts $(HOSTILE)

deploy-aca: ## Deploy to Azure Container Apps with Bicep (ARGS=--dry-run prints the steps)
	@scripts/deploy-aca.sh $(ARGS)

deploy-aca-terraform: ## The same with Terraform
	@scripts/deploy-aca-terraform.sh $(ARGS)

deploy-aks: ## Deploy to Azure Kubernetes Service with Helm
	@scripts/deploy-aks.sh $(ARGS)

setup-tiktoken: install ## Fill TIKTOKEN_CACHE_DIR with the official files of the encodings (ARGS="--download" asks the network)
	@TIKTOKEN_CACHE_DIR="$(TIKTOKEN_CACHE_DIR)" $(BIN)/tsx scripts/setup-tiktoken.ts $(ARGS)

pack-dependencies: check-node ## Pack the dependencies for builds without a network (ARGS="--os=linux --cpu=arm64" for another machine)
	@scripts/pack-dependencies.sh $(ARGS)

image-check: install ## Lint, build and run the image without a Docker engine (IMAGE_CHECK=all: each network type)
	@IMAGE_CHECK="$(IMAGE_CHECK)" BUILDAH="$(or $(BUILDAH),buildah)" $(BIN)/tsx scripts/image-check.ts

offline-check: check-node ## Install, build and test with the network cut off (OFFLINE_CHECK=unit or build is shorter)
	@OFFLINE_CHECK="$(or $(OFFLINE_CHECK),all)" scripts/offline-check.sh

clean: ## Remove what was built; node_modules stays
	@rm -rf dist coverage .recording *.tgz
