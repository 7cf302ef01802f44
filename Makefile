# Needs Go (go.mod says which) and Debian 12; .ci/deps installs the rest, as root or with sudo.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: build build-demo demo run test interop bench lint check fuzz vuln assets deps-build

export CGO_ENABLED := 1

# TESTFLAGS are more flags for go test (-v, -run …), FUZZTIME is the time each fuzz target gets.
TESTFLAGS ?=
FUZZTIME ?= 30s
TEST := go test -count=1 -timeout=20m

build: deps-build
	go build -o bin/kyso ./cmd/kyso

build-demo: build
	go build -o bin/demo ./internal/testkit/demo

deps-build:
	@.ci/deps build

# The main job from end to end, on SoftHSM and SQLite; leaves var/demo/out/*.pdf.
demo:
	@.ci/deps build demo
	@$(MAKE) --no-print-directory build-demo
	bin/demo -dir var/demo

# The same data, kept, and the service at http://localhost:8080; accounts in var/run/access.json.
run:
	@.ci/deps build demo
	@$(MAKE) --no-print-directory build-demo
	bin/demo -serve -dir var/run

# PostgreSQL, SoftHSM and the browser are started by the tests themselves; a tool that is missing fails its tests.
test:
	@.ci/deps build demo test
	$(TEST) $(TESTFLAGS) ./...

# The judges from outside: EU DSS, pyHanko and veraPDF, whose libraries are downloaded once into var/interop, and OpenSSL,
# qpdf, poppler.
interop:
	@.ci/deps build demo interop
	$(TEST) -tags=interop -v $(TESTFLAGS) ./internal/interop/...

# A line of JSON for each benchmark in var/bench.jsonl.
bench:
	@.ci/deps build demo test
	@$(MAKE) --no-print-directory build
	go run ./internal/bench

lint: deps-build
	@.ci/lint

check: lint
	@.ci/deps build demo test
	$(TEST) -race $(TESTFLAGS) ./...

fuzz: deps-build
	@FUZZTIME=$(FUZZTIME) .ci/fuzz

# Asks the Go vulnerability database, so it needs the network and is not part of lint.
vuln:
	go tool -modfile=internal/tools/go.mod govulncheck ./...

# Style sheets and scripts of the pages, built again from their sources; the results are committed.
assets: deps-build
	go generate ./internal/server/web/...
