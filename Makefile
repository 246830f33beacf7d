# The one door to this project, for people and for CI. It needs make, npm and any Node.js from 20 on; everything else,
# the exact Node.js that is shipped included, comes from the npm registry as pinned in package-lock.json.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

NAME := aws-lambda-loki-extension
ARCHES := x86_64 arm64
HOST_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
ARCH ?= $(HOST_ARCH)
$(if $(filter $(ARCHES),$(ARCH)),,$(error ARCH must be one of: $(ARCHES)))
NODE := node_modules/node-linux-$(if $(filter arm64,$(HOST_ARCH)),arm64,x64)/bin/node
NODE_TEST := $(NODE) --test --test-reporter=spec --test-reporter-destination=stdout
COVERAGE := --experimental-test-coverage --test-coverage-include='src/**/*.ts' \
	--test-coverage-lines=95 --test-coverage-branches=95 --test-coverage-functions=95
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

EXECUTABLE = bin/$(1)/extensions/$(NAME)
LAYER = bin/$(NAME)-$(1).zip
INSTALLED := node_modules/.package-lock.json
BUILD_INPUTS := $(shell find src -name '*.ts' 2>/dev/null) package.json package-lock.json esbuild.config.mjs \
	$(addprefix scripts/build/,sea.ts elf.ts single-executable.ts code-cache.ts start-pages.ts toolchain.ts warm-up.ts) \
	test/fakes/tls-relay.ts $(wildcard test/fixtures/tls/*.pem) \
	$(wildcard scripts/build/front/*.ts scripts/build/start-pages/*.txt)
LAYER_INPUTS := LICENSE $(addprefix scripts/build/,package-layer.ts licenses.ts seven-zip.ts)

##@ Every day

help: ## List the targets
	@awk -F ':.*## ' '/^##@ /{print "\n" substr($$0, 5)} /^[a-z0-9-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' Makefile

setup: $(INSTALLED) ## Install the pinned toolchain into node_modules (other targets do it by themselves)

check: $(INSTALLED) ## Format, lint and types
	npx --no-install biome ci --error-on-warnings .
	npx --no-install tsc --project .

build: $(call EXECUTABLE,$(ARCH)) ## Build the executable; ARCH=x86_64 or arm64 (default: this machine's)

demo: $(call EXECUTABLE,$(HOST_ARCH)) ## Run the executable in an emulated Lambda; LOKI_PUSH_ENDPOINT= sends to a real Loki
	$(NODE) scripts/demo.ts

##@ Tests

test: test-unit test-integration test-e2e ## All that needs nothing but this machine

test-unit: $(INSTALLED) ## Unit tests, with thresholds for the coverage of src
	$(NODE_TEST) --test-concurrency=$(shell nproc) $(COVERAGE) 'test/unit/**/*.test.ts'

test-integration: $(INSTALLED) ## Modules together, with an emulated Lambda and a fake Loki in the same process
	$(NODE_TEST) 'test/integration/**/*.test.ts'

test-e2e: $(call EXECUTABLE,$(HOST_ARCH)) $(call LAYER,$(HOST_ARCH)) ## The built executable and its layer
	$(NODE_TEST) 'test/e2e/**/*.test.ts'

test-rie: $(call EXECUTABLE,$(HOST_ARCH)) ## The executable in AWS's own Runtime Interface Emulator, built here (needs Go and root)
	$(NODE) test/rie/run.ts

test-receiver: $(call EXECUTABLE,$(HOST_ARCH)) ## The executable against VictoriaLogs, built here: all it holds, read back (needs Go)
	$(NODE) test/receiver/run.ts

test-faults: $(call EXECUTABLE,$(HOST_ARCH)) ## Faults x moments x strategies x APIs: FAULT_SEEDS=120 FAULT_FROM=1, or FAULT_MINUTES=60
	$(NODE_TEST) test/faults/faults.test.ts

soak: $(call EXECUTABLE,$(HOST_ARCH)) ## Mixed traffic, freezes and faults for MINUTES=10: nothing grows, nothing is lost
	SOAK_MINUTES=$(or $(MINUTES),10) $(NODE_TEST) test/soak/soak.test.ts

mutants: $(INSTALLED) ## Tests of the tests: small faults in src that nothing notices; MINUTES=30 FILES=src/a.ts,src/b.ts SEED=1
	MINUTES=$(or $(MINUTES),30) FILES=$(FILES) SEED=$(or $(SEED),1) $(NODE) test/mutants/main.ts

test-loki: $(call EXECUTABLE,$(HOST_ARCH)) ## The executable against real Loki: LOKI_URL= of one that runs, or LOKI_BINARY=
	$(NODE) test/loki/run.ts

test-examples: $(INSTALLED) ## Every recipe of examples/, by the tools of its ecosystem; what cannot be had is said aloud
	$(NODE_TEST) --test-concurrency=1 'test/examples/*.test.ts'

bench: $(call EXECUTABLE,$(HOST_ARCH)) $(call LAYER,$(HOST_ARCH)) ## Start, memory, CPU and size against Node's own floor; BASE=<rev> compares two revisions
	$(NODE) scripts/bench/main.ts
	@$(MAKE) --no-print-directory pages

bench-peers: $(call EXECUTABLE,$(HOST_ARCH)) ## The same figures for other extensions, side by side: PEER_LOAFOE=, PEER_LAMBDAWATCH= name their executables
	$(NODE) scripts/bench/peers/main.ts

bench-fleet: $(INSTALLED) ## A thousand sandboxes and one Loki, simulated: cold starts, an outage, a deployment; writes docs/fleet.md
	$(NODE) scripts/bench/fleet/main.ts

##@ Shipping

zip: ## Make both layers, or the one of ARCH=
	@$(MAKE) --no-print-directory $(foreach arch,$(if $(filter file,$(origin ARCH)),$(ARCHES),$(ARCH)),$(call LAYER,$(arch)))

check-size: ## Hold executable and layer to their bounds; both architectures, or the one of ARCH=
	@$(MAKE) --no-print-directory $(if $(filter file,$(origin ARCH)),zip,zip ARCH=$(ARCH))
	$(NODE) scripts/build/check-size.ts $(if $(filter file,$(origin ARCH)),$(ARCHES),$(ARCH))

publish: export REGION := $(REGION)
publish: export ARCH := $(ARCH)
publish: export LAYER_NAME := $(LAYER_NAME)
publish: export PUBLIC := $(PUBLIC)
publish: export ORGANIZATION := $(ORGANIZATION)
publish: export YES := $(YES)
publish: export DRY_RUN := $(DRY_RUN)
publish: $(INSTALLED) ## Publish the layer: REGION=a,b [ARCH=] [LAYER_NAME=] [PUBLIC=1 | ORGANIZATION=o-...] [YES=1] [DRY_RUN=1]
	@$(NODE) scripts/publish/main.ts --variables-only
ifeq ($(filter-out 0 false no,$(DRY_RUN)),)
	@$(MAKE) --no-print-directory $(call LAYER,$(ARCH))
endif
	@$(NODE) scripts/publish/main.ts

start-pages: $(INSTALLED) ## Take anew which pages a start touches, after a change of Node.js (needs root, Linux)
	$(NODE) scripts/build/take-start-pages.ts $(if $(filter file,$(origin ARCH)),$(ARCHES),$(ARCH))

qemu-arm64: ## Install what builds and runs arm64 executables on an x86_64 Debian (needs root)
	@if command -v qemu-aarch64-static && ls /usr/aarch64-linux-gnu/lib/libstdc++.so.6; then exit; fi; \
	command -v apt-get >/dev/null || { echo 'make qemu-arm64 knows Debian and its relatives only. Install QEMU user mode' \
		'(qemu-aarch64-static) and arm64 glibc, libstdc++ and libgcc under /usr/aarch64-linux-gnu.' >&2; exit 1; }; \
	$(AS_ROOT) apt-get update; \
	$(AS_ROOT) apt-get install --yes --no-install-recommends qemu-user-static \
		libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross

##@ House-keeping

pages: $(INSTALLED) ## Write anew what scripts write into the documents: settings, costs, charts
	$(NODE) scripts/settings-table.ts
	$(NODE) scripts/costs.ts
	$(NODE) scripts/charts.ts

clean: ## Remove what was built, but not what was installed or downloaded
	rm -rf bin .cache/build

# npm writes this file last, so it also stands for an installation made by hand.
$(INSTALLED): package-lock.json
	@echo 'Installing the pinned toolchain from the npm registry, once: some 330 MB, which takes a minute or a few ...'
	npm ci --ignore-scripts --no-audit --no-fund --progress
	@touch $@

# One recipe for both architectures.
$(foreach arch,$(ARCHES),$(call EXECUTABLE,$(arch))): bin/%/extensions/$(NAME): $(BUILD_INPUTS) | $(INSTALLED)
	@echo 'Building the executable for $* ...'
	$(NODE) scripts/build/sea.ts $*

$(foreach arch,$(ARCHES),$(call LAYER,$(arch))): bin/$(NAME)-%.zip: bin/%/extensions/$(NAME) $(LAYER_INPUTS) | $(INSTALLED)
	$(NODE) scripts/build/package-layer.ts $*

.PHONY: help setup check build demo test test-unit test-integration test-e2e test-rie test-receiver test-faults soak mutants test-loki \
	test-examples bench bench-peers bench-fleet zip check-size publish start-pages qemu-arm64 pages clean
