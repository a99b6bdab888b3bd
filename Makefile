# Two commands matter to a newcomer: `make dev` and `make test`.
#
#   make dev     build and run the service with a development inbox
#   make test    every test of the project; installs what is missing
#   make check   what CI runs: lint and test
#   make bench   the closed-loop benchmark, on loopback
#   make mutants seeds faults one by one and shows that the tests notice
#   make soak    the long forms of the tests
#   make build   the binary, at bin/countersign

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULN     := golang.org/x/vuln/cmd/govulncheck@v1.1.4
SDK      := e2e/sdk

.PHONY: dev build test check lint bench mutants soak fuzz vuln tools tidy clean

dev: build
	bin/countersign dev $(ARGS)

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/countersign ./cmd/countersign

test: tools
	$(GO) vet ./...
	$(GO) test -race -timeout 20m ./...
	cd e2e/twiliogo && $(GO) vet ./...
	cd e2e && $(GO) vet ./... && $(GO) test -timeout 20m ./...

check: lint test

lint:
	$(GO) run $(LINT) run ./...

# What the tests need besides Go: a browser, Node.js, the vendors' SDKs and an SMPP
# message centre from their lockfiles, and Twilio's description of its interface. Each is installed if it can be, else the line says what to do.
tools:
	@sh scripts/tools.sh
	@test -f $(SDK)/telnyx/node_modules/telnyx/package.json || (cd $(SDK)/telnyx && npm ci --no-audit --no-fund)
	@test -f $(SDK)/twilio/node_modules/twilio/package.json || (cd $(SDK)/twilio && npm ci --no-audit --no-fund)
	@test -f e2e/smsc/node_modules/smpp/package.json || (cd e2e/smsc && npm ci --no-audit --no-fund)
	@test -f e2e/axe/node_modules/axe-core/axe.min.js || (cd e2e/axe && npm ci --no-audit --no-fund)
	@test -f examples/node/node_modules/jose/package.json || (cd examples/node && npm ci --no-audit --no-fund)
	@test -d $(SDK)/twilio-openapi/package || (cd $(SDK)/twilio-openapi && sh fetch.sh)

bench:
	$(GO) run ./bench $(ARGS)

mutants: tools
	$(GO) run ./mutants $(ARGS)

# The long forms: hours. SOAK=100 makes each a hundredth of what docs/promises.md
# asks for, to try the target itself.
SOAK ?= 1
long = $$(( ($(1) + $(SOAK) - 1) / $(SOAK) ))
LONG := $(GO) test -timeout 12h -count=1 -v

soak: tools
	$(LONG) -run 'Simulated' ./internal/verify -args -seeds $(call long,100000)
	$(LONG) -run 'Property' ./internal/verify -args -seeds $(call long,100000)
	$(LONG) -run 'ACodeIs|AHundred' ./internal/promise/history -args -rounds $(call long,20000) -clients 64
	$(LONG) -run 'Concurrent' ./internal/promise/history -args -histories $(call long,1000)
	$(LONG) -run 'UnderLoad' ./internal/promise/process -args -kills $(call long,500)
	$(LONG) -run 'Rolling' ./internal/promise/process -args -rounds $(call long,100)
	$(LONG) -run 'AServerThatIsKilled' ./internal/store -args -kills $(call long,200)
	$(LONG) -run 'APrimaryThatIsKilled|APrimaryThatHangs' ./internal/store -args -failovers $(call long,50)
	$(LONG) -run 'AFailoverLoses' ./internal/app -args -failovers $(call long,50)
	$(LONG) ./internal/promise/delivery -args -messages $(call long,1000) -backlog $(call long,10000) -rate 500 -starts $(call long,30000)
	$(LONG) -run 'WhereverTheDisk' ./internal/store -args -stride $(SOAK)
	$(LONG) -run 'AStolen' ./internal/app -args -stolen $(call long,1000) -guesses 100
	$(LONG) -run 'KnownAndAnUnknown' ./internal/app -args -alike $(call long,20000)
	$(LONG) -run 'AStolen/SQLite' ./internal/app -args -stolen 4 -guesses $(call long,1000000)
	$(GO) run ./mutants
	$(GO) test -race -timeout 12h -count=10 ./internal/... ./cmd/...
	$(MAKE) fuzz FUZZTIME=5m
	cd e2e && $(GO) test -timeout 2h -count=5 ./...

FUZZTIME ?= 20s
fuzz:
	@for p in $$($(GO) list ./internal/... ./gate); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

vuln:
	$(GO) run $(VULN) ./...

tidy:
	$(GO) mod tidy
	cd e2e && $(GO) mod tidy
	cd e2e/twiliogo && $(GO) mod tidy

clean:
	rm -rf bin artifacts
