# Sotto. `make help` lists the targets; `make run` starts everything.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# The race detector needs a C compiler. Without one the tests run without it.
RACE := $(shell if [ "$$(go env CGO_ENABLED 2>/dev/null)" = 1 ] && command -v $$(go env CC 2>/dev/null) >/dev/null 2>&1; then echo -race; fi)

# Flags that SAM's builder does not pass to go build: no RPC mode, no symbols.
# Without CGO_ENABLED=0 a build on Lambda's own platform would need the builder's
# version of glibc.
SAM_GOFLAGS := -tags=lambda.norpc -trimpath "-ldflags=-s -w"

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: go ## start everything on this machine (the same as `go run ./localstack`, with the web client built)
	@$(call if-node,make run,$(MAKE) -s web 2>/dev/null || echo "make run: could not build the web client (\`make web\` shows why); starting without it")
	@test -x bin/localstack || echo "compiling the local stack; the first time takes a minute or two"
	@go build -o bin/localstack ./localstack && exec bin/localstack $(ARGS)

test: go lint cross ## run every test, with the race detector where there is a C compiler
	@if [ -z "$(RACE)" ]; then echo "make test: running without the race detector, since there is no C compiler (Debian: apt-get install gcc)"; fi
	go test $(RACE) -timeout 14m ./...
	@$(MAKE) -s test-web

# The web client. Only these targets need Node. Without it they print what they
# skip.
WEB := clients/web
WEB_SOURCES := $(shell find $(WEB) \( -name node_modules -o -name dist -o -name e2e -o -name screenshots \) -prune -o -type f ! -name '*.md' ! -name '*.test.ts' -print)
NODE := $(shell command -v npm >/dev/null 2>&1 && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' 2>/dev/null && echo yes)
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# if-node runs $(2) if Node and npm are installed. Otherwise it prints what is
# skipped, after the name $(1).
if-node = if [ -n "$(NODE)" ]; then $(2); else \
	echo "$(1): skipped the web client: it needs Node 20.19 or newer with npm (https://nodejs.org/en/download; Debian: apt-get install npm)"; fi

web: ## build the web client in clients/web/dist if its sources have changed
	@$(call if-node,make web,$(MAKE) -s $(WEB)/dist/index.html)

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	@echo "installing the packages that build the web client"
	@cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error || { echo "npm could not install the packages; is the network reachable?"; exit 1; }
	@touch $@

$(WEB)/dist/index.html: $(WEB_SOURCES) $(WEB)/node_modules/.package-lock.json
	@echo "building the web client"
	@cd $(WEB) && npm run --silent build -- --logLevel warn
	@touch $@

test-web: ## test the web client: types, units, size, and in a browser against the local stack
	@$(call if-node,make test,$(MAKE) -s check-web)

check-web: $(WEB)/dist/index.html
	cd $(WEB) && npm run --silent check && node_modules/.bin/tsc -p e2e --noEmit && npm run --silent test
	node $(WEB)/e2e/size.mjs
ifneq ($(CHROMIUM),)
	cd $(WEB) && CHROMIUM='$(CHROMIUM)' node_modules/.bin/vitest run --config e2e/vitest.config.ts
else
	@echo "make test: skipped the tests in a browser: they need Chromium (Debian: apt-get install chromium)"
endif

quick: go lint unit ## run lint and unit tests, without the race detector (under two minutes with a warm cache)

# Unit tests are the tests of all packages except the end-to-end tests and the
# commands, which start whole stacks.
unit: go ## run the unit tests, without the race detector
	go test -short $$(go list ./... | grep -v -e '/localstack/e2e' -e '/localstack$$' -e '/clients/sotto$$')

lint: go ## run gofmt, go vet, staticcheck and the tests of the rules in CONTRIBUTING.md
	@unformatted="$$(gofmt -l functions shared localstack clients)"; if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...
	go test ./localstack/e2e/conventions

# This builds all packages for this system and for Windows, which differs most.
# For macOS it builds only packages with files for some system, unless ALL is set.
cross: go ## check that the tree builds for linux, darwin and windows (ALL=1: every package for each)
	@for os in linux darwin windows; do \
		packages=./...; \
		if [ $$os = darwin ] && [ -z "$(ALL)" ]; then packages="$$(GOOS=darwin go list -f '{{if .IgnoredGoFiles}}{{.ImportPath}}{{end}}' ./...)"; fi; \
		if [ $$os = "$$(go env GOHOSTOS)" ]; then cgo=$$(go env CGO_ENABLED); packages=./...; else cgo=0; fi; \
		echo "GOOS=$$os go build" $$(echo "$$packages" | sed "s|.*/sotto/|./|"); \
		GOOS=$$os CGO_ENABLED=$$cgo go build $$packages || exit 1; \
	done

bench: go ## run the benchmarks: envelopes, the database, whole sends through the stack
	go test -run '^$$' -bench . -benchmem ./shared/envelope ./localstack/dynamodb/... ./localstack/lambda ./localstack ./shared/table ./localstack/e2e

chaos: go ## inject random faults while users chat and check what they saw (MINUTES=1 SEED=random)
	go test -count=1 -v -timeout 0 -run '^TestChaos$$' ./localstack/e2e/chaos -args -seed=$(or $(SEED),random) -minutes=$(or $(MINUTES),1)

# A fuzz target runs alone, so they share the time. Run without MINUTES, each has
# ten seconds. What a target finds stays as a seed in its testdata/fuzz.
fuzz: go ## run all fuzz targets in turn (MINUTES=... for all together)
	@targets="$$(grep -roH --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' shared localstack clients | sed 's|/[^/]*_test.go:func |:|' | sort -u)"; \
	count=$$(echo "$$targets" | wc -l); seconds=$(if $(MINUTES),$$(( $(MINUTES) * 60 / count )),10); \
	[ "$$seconds" -gt 0 ] || seconds=1; failed=; \
	for target in $$targets; do \
		echo "fuzz $$target for $$seconds s"; \
		go test -run '^$$' -fuzz "^$${target#*:}\$$" -fuzztime "$${seconds}s" "./$${target%:*}" || failed="$$failed $$target"; \
	done; \
	[ -z "$$failed" ] || { echo "make fuzz: failed:$$failed" >&2; exit 1; }

test-endpoint: go ## run the end-to-end tests against a running service: ENDPOINT=ws://HOST:PORT/STAGE [AWS_ENDPOINT=http://HOST:PORT]
	@[ -n "$(ENDPOINT)" ] || { echo "make test-endpoint: ENDPOINT is missing; for example: make test-endpoint ENDPOINT=ws://127.0.0.1:4566/local AWS_ENDPOINT=http://127.0.0.1:4566" >&2; exit 2; }
	go test -count=1 -timeout 14m ./localstack/e2e -args -endpoint '$(ENDPOINT)' -aws-endpoint '$(AWS_ENDPOINT)'

fidelity: go ## run the tests of the statements about AWS and write docs/aws-fidelity.md
	go run ./localstack/fidelity

# The local stack accepts any signature. It wants one so that web pages in a
# browser cannot call it.
AWS_ENDPOINT_URL ?= http://127.0.0.1:4566
ROTATE_URL = $(AWS_ENDPOINT_URL)/2015-03-31/functions/local-RotateServerKeyFunction/invocations
SIGNED = Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0

rotate: ## rotate the server key of the running local stack, or on AWS with STACK=name
ifdef STACK
	sam remote invoke RotateServerKeyFunction --stack-name '$(STACK)'
else
	@answer="$$(curl -sS --fail-with-body -X POST -H '$(SIGNED)' '$(ROTATE_URL)')" && [ "$$answer" = null ] \
		|| { echo "make rotate: $(AWS_ENDPOINT_URL) did not rotate the key (is \`make run\` running?) $$answer" >&2; exit 1; }
	@echo "The server key is rotated. Connected clients have been notified."
endif

sam-build: ## build stripped binaries for AWS with the SAM CLI (pip install aws-sam-cli)
	CGO_ENABLED=0 GOFLAGS='$(SAM_GOFLAGS)' sam build

deploy: sam-build ## deploy to AWS with the defaults of samconfig.toml and make the service's keys (needs an account)
	sam deploy
	sam remote invoke RotateServerKeyFunction --event '{"onlyMissing":true}'

deploy-web: ## deploy the web client to AWS (needs an account and the AWS CLI; see infra/README.md)
	@[ -n "$(NODE)" ] || { echo "make deploy-web: needs Node 20.19 or newer: https://nodejs.org/en/download" >&2; exit 1; }
	@$(MAKE) -s web
	infra/deploy-web

clean: ## remove build output and the local stack's data
	rm -rf .aws-sam .sotto bin clients/web/dist clients/web/node_modules clients/web/screenshots

go:
	@command -v go >/dev/null 2>&1 || { echo "make: Go is not installed; Sotto needs Go 1.26.4 or newer: https://go.dev/dl"; exit 1; }

.PHONY: help run test quick unit lint cross web test-web check-web bench chaos fuzz test-endpoint fidelity rotate sam-build deploy deploy-web clean go
