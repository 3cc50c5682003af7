# Everything that CI runs is here. `make help` lists the targets.

GO        ?= go
GOLANGCI  ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT   ?= $(GO) run mvdan.cc/gofumpt@v0.12.0
GOVULN    ?= $(GO) run golang.org/x/vuln/cmd/govulncheck@latest
FUZZTIME  ?= 10s

# The race detector needs a C compiler; without one the tests run all the same.
RACE      ?= $(if $(and $(filter 1,$(shell $(GO) env CGO_ENABLED)),$(shell command -v $$($(GO) env CC))),-race)

export GOFLAGS ?= -mod=readonly

.DEFAULT_GOAL := help
.PHONY: help demo test lint build package image bench fmt property fuzz e2e chaos figures bench-copy ci vulncheck clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## send recorded events through the real function (to ES_Address if set, else to a stand-in)
	@$(GO) run ./cmd/etlctl demo

test: ## the unit tests, with the race detector where there is a C compiler
	$(GO) test $(RACE) -shuffle=on -timeout 30m ./...

lint: ## static checks
	$(GO) vet -tags e2e ./...
	$(GOLANGCI) run --build-tags e2e ./...

build: ## the function for the platform: dist/main
	@CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -trimpath -ldflags '-s -w' -o dist/main .

package: build ## ckafka-etl.zip, the same bytes from the same source
	@$(GO) run ./internal/pack -o ckafka-etl.zip dist/main

image: ## the trigger as a service: an image of both programs, ckafka-etl (needs docker)
	docker build -f deploy/service/Dockerfile -t ckafka-etl .

bench: ## start time and size; the path of a record beside other ways to write it, with bench/path.svg
	$(GO) test -run '^$$' -bench ColdStart .
	@cd bench && $(GO) run . $(BENCHFLAGS)

fmt: ## format the source
	$(GOFUMPT) -w .

property: ## 2,000 random batches, servers and faults for each property of settlement
	$(GO) test ./handler -run 'TestEveryRecordHasOneOutcome|TestServerThatRefusesEverything|TestOwnLostAnswersAreNoConflicts|TestRetryAfter$$|DeadLetters$$|WithoutProof' -timeout 30m -rapid.checks 2000

fuzz: ## each fuzz target for FUZZTIME (10s, or 20000x runs)
	@set -e; $(GO) list -f '{{.ImportPath}} {{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}' ./... | while read -r pkg files; do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

e2e: ## end-to-end tests against real servers (Java 17 and 21, Maven); E2E_SERVERS=es7,kafka picks
	$(GO) test -p 1 -tags e2e -count=1 -timeout 30m ./e2e/...
	$(GO) test -tags e2e -count=1 -timeout 10m ./cmd/etlctl -run 'Real'

chaos: ## 200,000 records through a schedule of faults, on real servers; CHAOS_SEED, CHAOS_RECORDS, CHAOS_ROUNDS
	CHAOS_RECORDS=$${CHAOS_RECORDS:-200000} CHAOS_ROUNDS=$${CHAOS_ROUNDS:-5} \
	  $(GO) test -tags e2e -count=1 -timeout 60m -v -run TestChaos ./e2e/trigger

figures: ## ours beside posting ready-made bodies, the Python way and rsyslog, on real servers (also Python 3, rsyslog); FIGURES=flags
	$(GO) run ./e2e/figures $(FIGURES)

bench-copy: ## copy COPY_RECORDS records to another Kafka: the sink, a plain loop, the function, MirrorMaker 2
	$(GO) test -tags e2e -count=1 -timeout 60m -v -run TestThroughput ./e2e/kafka -copy.records=$${COPY_RECORDS:-1000000} -copy.rounds=$${COPY_ROUNDS:-3}

ci: ## what CI runs
	bash .ci/run

vulncheck: ## known vulnerabilities (needs the vulnerability database)
	$(GOVULN) ./...

clean: ## remove what was built
	rm -rf dist ckafka-etl.zip
