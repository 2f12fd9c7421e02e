# All commands for contributors. `make` without a target lists them.
SHELL := /bin/bash
BIN := node_modules/.bin
CORES = $(shell getconf _NPROCESSORS_ONLN)
# The make of macOS does not know the option.
ONE_BLOCK := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.DEFAULT_GOAL := help
.PHONY: help check-node install run dev build format format-check lint types docs-check knip prose package-check \
        checks quick test test-watch coverage e2e clients bench bench-check bench-changes bench-memory bench-timing soak hostile clean \
        deploy-aca deploy-aca-terraform deploy-aks \
        setup-tiktoken pack-dependencies image-check offline-check

help: ## List the targets (the default)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

check-node:
	@command -v node >/dev/null || { echo 'Could not find node. Install Node.js 20.19 or newer: https://nodejs.org' >&2; exit 1; }
	@node scripts/check-node.mjs

install: check-node node_modules/.package-lock.json ## Install the dependencies if they are missing

# npm writes this file at the end of each installation. No package needs an install script.
node_modules/.package-lock.json: package-lock.json
	@node scripts/check-install.mjs || { echo 'Installing the packages (once, about a minute).'; npm ci --ignore-scripts --no-audit --no-fund; }
	@touch $@

run: build ## Build and start the simulator (stop with Ctrl-C); ARGS="--port 9000" passes options
	@exec node dist/cli/main.js $(ARGS)

dev: install ## Start the simulator from source and restart it after each change
	@exec npm run --silent dev

build: install ## Bundle src/ and ui/ into dist/, with type declarations
	@npm run --silent build

format: install ## Format all files
	@$(BIN)/oxfmt

format-check: install ## Check the format of all files
	@$(BIN)/oxfmt --check

lint: install ## Run the linter
	@$(BIN)/oxlint --type-aware --deny-warnings

types: install ## Check the types
	@$(BIN)/tsc
	@$(BIN)/tsc --project ui

docs-check: install ## Check that generated documents match the code
	@$(BIN)/tsx scripts/generate-docs.ts --check
	@$(BIN)/tsx scripts/draw-timing.ts --check
	@$(BIN)/tsx scripts/draw-diagrams.ts --check

prose: check-node ## Find words that are hard to read, and test titles without a subject
	@node scripts/check-prose.mjs

knip: install ## Find unused files, exports and dependencies
	@$(BIN)/knip
	@$(BIN)/knip --production

package-check: build ## Check the contents of the npm package
	@npm run --silent check:package

# The checks are independent and run in parallel, the longest first. Each prints its output as one block.
checks: install ## Run all checks except tests
	@$(MAKE) --no-print-directory --keep-going --jobs=$(CORES) $(ONE_BLOCK) \
		format-check lint types package-check docs-check knip prose

# The commit that the work tree is compared with: the last one by default. Tests that read a changed file without importing
# it, such as the ones of documents, run only with TESTS=all.
TESTS ?= HEAD
quick: $(if $(filter all,$(TESTS)),checks,format-check lint types prose) ## Run before a commit: format, lint, types, prose and the tests of what changed (TESTS=main: since main; TESTS=all: all checks, all tests but end-to-end)
	@$(BIN)/vitest run --project 'unit*' $(if $(filter all,$(TESTS)),,--changed $(TESTS))

# After the checks. One run for all tests, so that its last line counts unit, integration and end-to-end tests together.
test: checks ## Run all checks and tests; the last line is the test count
	@$(BIN)/vitest run

test-watch: install ## Run the unit and integration tests again after each change
	@$(BIN)/vitest --project 'unit*'

coverage: install ## Measure the coverage of the unit and integration tests; coverage/index.html shows each line
	@$(BIN)/vitest run --project 'unit*' --coverage
	@node scripts/show-coverage.mjs

e2e: build ## Run the end-to-end tests against a fresh build
	@$(BIN)/vitest run --project 'e2e*'

clients: check-node ## Install the newest clients of other projects, which end-to-end tests then use
	@scripts/install-clients.sh

bench: build ## Compare with a bare server and with aimock (BENCH="--quick", "--save", "--workers 2")
	@$(BIN)/tsx bench/run.ts $(BENCH)

bench-check: build ## Fail if a ratio is more than 15 % below the saved one (BENCH="--quick" takes one to two minutes)
	@$(BIN)/tsx bench/check.ts $(BENCH)

# 10,000 streams need 10,000 file descriptors.
bench-memory: build ## Measure memory: idle, for open streams and for recordings (BENCH="--save" saves the result)
	@ulimit -n "$$(ulimit -Hn)" && $(BIN)/tsx bench/memory.ts $(BENCH)

bench-changes: build ## Measure changes of one of 1,000 resources (BENCH="--workers 1 --resources 10,1000")
	@$(BIN)/tsx bench/changes.ts $(BENCH)

bench-timing: build ## Compare measured with configured latency (BENCH="--streams 500,1000" finds the maximum number of streams)
	@$(BIN)/tsx bench/timing.ts $(BENCH)

soak: build ## Check for leaks and slowdown under load for a minute (SOAK="--minutes 10" for the full run)
	@ulimit -n "$$(ulimit -Hn)" && $(BIN)/tsx bench/soak.ts $(SOAK)

hostile: build ## Test hostile clients and files (HOSTILE="--case text" selects cases)
	@ulimit -n "$$(ulimit -Hn)" && $(BIN)/tsx bench/hostile.ts $(HOSTILE)

deploy-aca: ## Deploy to Azure Container Apps with Bicep (ARGS=--dry-run prints the steps)
	@scripts/deploy-aca.sh $(ARGS)

deploy-aca-terraform: ## Deploy to Azure Container Apps with Terraform
	@scripts/deploy-aca-terraform.sh $(ARGS)

deploy-aks: ## Deploy to Azure Kubernetes Service with Helm
	@scripts/deploy-aks.sh $(ARGS)

setup-tiktoken: install ## Fill TIKTOKEN_CACHE_DIR with the official encoding files (ARGS="--download" downloads them)
	@TIKTOKEN_CACHE_DIR="$(TIKTOKEN_CACHE_DIR)" $(BIN)/tsx scripts/setup-tiktoken.ts $(ARGS)

pack-dependencies: check-node ## Pack the dependencies for offline builds (ARGS="--os=linux --cpu=arm64" for another platform)
	@scripts/pack-dependencies.sh $(ARGS)

image-check: install ## Lint, build and run the image without Docker (IMAGE_CHECK=all for all network types)
	@IMAGE_CHECK="$(IMAGE_CHECK)" BUILDAH="$(or $(BUILDAH),buildah)" $(BIN)/tsx scripts/image-check.ts

offline-check: check-node ## Install, build and test without a network (OFFLINE_CHECK=unit or build for a part)
	@OFFLINE_CHECK="$(or $(OFFLINE_CHECK),all)" scripts/offline-check.sh

clean: ## Remove build output; node_modules is kept
	@rm -rf dist coverage .recording *.tgz
