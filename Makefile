# Sotto. `make help` lists what there is; `make run` does the main job.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(shell if [ "$$(go env CGO_ENABLED 2>/dev/null)" = 1 ] && command -v $$(go env CC 2>/dev/null) >/dev/null 2>&1; then echo -race; fi)

# What SAM's own builder does not pass to the compiler: no RPC mode, no symbols.
SAM_GOFLAGS := -tags=lambda.norpc -trimpath "-ldflags=-s -w"

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: go ## start everything on this machine (the same as `go run ./localstack`)
	@test -x bin/localstack || echo "compiling the local stack; the first time takes a minute or two"
	@go build -o bin/localstack ./localstack && exec bin/localstack $(ARGS)

test: go lint cross ## run every test, with the race detector where there is a C compiler
	@if [ -z "$(RACE)" ]; then echo "make test: no C compiler found, so without the race detector (Debian: apt-get install gcc)"; fi
	go test $(RACE) -timeout 14m ./...

lint: go ## gofmt, go vet, staticcheck
	@unformatted="$$(gofmt -l functions shared localstack clients)"; if [ -n "$$unformatted" ]; then echo "gofmt these:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

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

clean: ## remove what builds and runs have left here, the local stack's data included
	rm -rf .aws-sam .sotto bin

go:
	@command -v go >/dev/null 2>&1 || { echo "Sotto needs Go 1.26.4 or newer: https://go.dev/dl"; exit 1; }

.PHONY: help run test lint cross chaos bench fidelity rotate sam-build deploy clean go
