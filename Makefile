# Sotto. `make help` lists what there is; `make run` does the main job.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(shell if [ "$$(go env CGO_ENABLED 2>/dev/null)" = 1 ] && command -v $$(go env CC 2>/dev/null) >/dev/null 2>&1; then echo -race; fi)

# What SAM's own builder does not pass to the compiler: no RPC mode, no symbols.
SAM_GOFLAGS := -tags=lambda.norpc -trimpath "-ldflags=-s -w"

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: go ## start everything on this machine (the same as `go run ./localstack`, with the web client built)
	@$(call if-node,make run,$(MAKE) -s web 2>/dev/null || echo "make run: the web client could not be built (\`make web\` shows why); going on")
	@test -x bin/localstack || echo "compiling the local stack; the first time takes a minute or two"
	@go build -o bin/localstack ./localstack && exec bin/localstack $(ARGS)

test: go lint cross ## run every test, with the race detector where there is a C compiler
	@if [ -z "$(RACE)" ]; then echo "make test: no C compiler found, so without the race detector (Debian: apt-get install gcc)"; fi
	go test $(RACE) -timeout 14m ./...
	@$(MAKE) -s test-web

# The web client. Node is never needed for anything else: without it these
# targets say what they leave out.
WEB := clients/web
WEB_SOURCES := $(shell find $(WEB) \( -name node_modules -o -name dist -o -name e2e -o -name screenshots \) -prune -o -type f ! -name '*.md' ! -name '*.test.ts' -print)
NODE := $(shell command -v npm >/dev/null 2>&1 && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)' 2>/dev/null && echo yes)
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# if-node runs $(2) where Node and npm are; where they are not, $(1) is who says so.
if-node = if [ -n "$(NODE)" ]; then $(2); else \
	echo "$(1): left out the web client: it needs Node 20.19 or newer with npm (https://nodejs.org/en/download; Debian: apt-get install npm)"; fi

web: ## build the web client into clients/web/dist, if its sources have changed
	@$(call if-node,make web,$(MAKE) -s $(WEB)/dist/index.html)

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	@echo "installing what the web client is built with"
	@cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error || { echo "npm could not install it (no network?)"; exit 1; }
	@touch $@

$(WEB)/dist/index.html: $(WEB_SOURCES) $(WEB)/node_modules/.package-lock.json
	@echo "building the web client"
	@cd $(WEB) && npm run --silent build -- --logLevel warn
	@touch $@

test-web: ## the web client's tests: types, units, size, and the browser against the local stack
	@$(call if-node,make test,$(MAKE) -s check-web)

check-web: $(WEB)/dist/index.html
	cd $(WEB) && npm run --silent check && node_modules/.bin/tsc -p e2e --noEmit && npm run --silent test
	node $(WEB)/e2e/size.mjs
ifneq ($(CHROMIUM),)
	cd $(WEB) && CHROMIUM='$(CHROMIUM)' node_modules/.bin/vitest run --config e2e/vitest.config.ts
else
	@echo "make test: left out the tests in a browser: they need Chromium (Debian: apt-get install chromium)"
endif

quick: go lint unit ## the fast loop: lint and unit tests, without the race detector (under two minutes, warm)

# Unit tests are those of every package but the end-to-end tests and the
# commands, which start whole stacks.
unit: go ## the unit tests, without the race detector
	go test -short $$(go list ./... | grep -v -e '/localstack/e2e' -e '/localstack$$' -e '/clients/sotto$$')

lint: go ## gofmt, go vet, staticcheck, and the conventions of CONTRIBUTING.md
	@unformatted="$$(gofmt -l functions shared localstack clients)"; if [ -n "$$unformatted" ]; then echo "gofmt these:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...
	go test ./localstack/e2e/conventions

# Everything for this system and for Windows, the system most unlike the others. For
# macOS only what has files of its own for some system, unless ALL is set.
cross: go ## check that the tree builds for linux, darwin and windows (ALL=1: all of it for each)
	@for os in linux darwin windows; do \
		packages=./...; \
		if [ $$os = darwin ] && [ -z "$(ALL)" ]; then packages="$$(GOOS=darwin go list -f '{{if .IgnoredGoFiles}}{{.ImportPath}}{{end}}' ./...)"; fi; \
		if [ $$os = "$$(go env GOHOSTOS)" ]; then cgo=$$(go env CGO_ENABLED); packages=./...; else cgo=0; fi; \
		echo "GOOS=$$os go build" $$(echo "$$packages" | sed "s|.*/sotto/|./|"); \
		GOOS=$$os CGO_ENABLED=$$cgo go build $$packages || exit 1; \
	done

bench: go ## benchmarks: envelopes, the database, and whole sends through the stack
	go test -run '^$$' -bench . -benchmem ./shared/envelope ./localstack/dynamodb/... ./localstack/lambda ./localstack ./shared/table ./localstack/e2e

chaos: go ## break everything at random while users chat, for MINUTES=1, from SEED=random, and check what they saw
	go test -count=1 -v -timeout 0 -run '^TestChaos$$' ./localstack/e2e/chaos -args -seed=$(or $(SEED),random) -minutes=$(or $(MINUTES),1)

test-endpoint: go ## the end-to-end tests against a running service: ENDPOINT=ws://HOST:PORT/STAGE [AWS_ENDPOINT=http://HOST:PORT]
	@[ -n "$(ENDPOINT)" ] || { echo "make test-endpoint: say which service: make test-endpoint ENDPOINT=ws://127.0.0.1:4566/local AWS_ENDPOINT=http://127.0.0.1:4566" >&2; exit 2; }
	go test -count=1 -timeout 14m ./localstack/e2e -args -endpoint '$(ENDPOINT)' -aws-endpoint '$(AWS_ENDPOINT)'

fidelity: go ## run the tests of the statements about AWS and write docs/aws-fidelity.md
	go run ./localstack/fidelity

# The local stack takes any signature; that there is one keeps browsers out.
AWS_ENDPOINT_URL ?= http://127.0.0.1:4566
ROTATE_URL = $(AWS_ENDPOINT_URL)/2015-03-31/functions/local-RotateServerKeyFunction/invocations
SIGNED = Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0

rotate: ## rotate the server key now, of the running local stack or on AWS with STACK=name
ifdef STACK
	sam remote invoke RotateServerKeyFunction --stack-name '$(STACK)'
else
	@answer="$$(curl -sS --fail-with-body -X POST -H '$(SIGNED)' '$(ROTATE_URL)')" && [ "$$answer" = null ] \
		|| { echo "make rotate: $(AWS_ENDPOINT_URL) did not rotate the key (is \`make run\` running?) $$answer" >&2; exit 1; }
	@echo "The server key is rotated; who is connected has been told."
endif

sam-build: ## build for AWS with the SAM CLI, stripped (needs `sam`: pip install aws-sam-cli)
	GOFLAGS='$(SAM_GOFLAGS)' sam build

deploy: sam-build ## deploy to AWS with the defaults of samconfig.toml (needs an account)
	sam deploy

deploy-web: ## put the web client on AWS (needs an account and the AWS CLI; see infra/README.md)
	@[ -n "$(NODE)" ] || { echo "make deploy-web: needs Node 20.19 or newer: https://nodejs.org/en/download" >&2; exit 1; }
	@$(MAKE) -s web
	infra/deploy-web

clean: ## remove what builds and runs have left here, the local stack's data included
	rm -rf .aws-sam .sotto bin clients/web/dist clients/web/node_modules clients/web/screenshots

go:
	@command -v go >/dev/null 2>&1 || { echo "Sotto needs Go 1.26.4 or newer: https://go.dev/dl"; exit 1; }

.PHONY: help run test quick unit lint cross web test-web check-web bench chaos test-endpoint fidelity rotate sam-build deploy deploy-web clean go
