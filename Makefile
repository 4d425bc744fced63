# make test   everything that proves the server: Go tests, both databases, the real SDKs in Node and Chromium
# make check  format, lint, vet, then test: what CI runs
# make tools  the npm packages the SDK tests use

GO ?= go
LINT = $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: generate build test check lint format tools race bench fuzz

build:
	$(GO) build -trimpath -ldflags '-s -w' -o bin/tigertally ./cmd/tigertally

test: tools
	$(GO) vet ./...
	$(GO) test -timeout 24m ./...

# Without npm the Go tests still run and say what they left out.
tools:
	@if command -v npm >/dev/null 2>&1; then \
		test -d test/sdk/node_modules/oidc-provider || npm --prefix test/sdk ci --no-audit --no-fund --ignore-scripts; \
	else \
		echo "npm not found: the SDK tests will be left out"; \
	fi

lint:
	$(LINT) run --allow-parallel-runners ./...

format:
	$(LINT) fmt ./...

# The pages of the console are written in .templ files; what becomes of them is committed.
generate:
	$(GO) run github.com/a-h/templ/cmd/templ@v0.3.977 generate -path internal/console

check: lint test

race:
	$(GO) test -race -timeout 20m ./internal/db/... ./internal/session/... ./internal/secret/... ./internal/code/... ./internal/ticket/... ./internal/web/... ./internal/pipeline/... ./sdk/...

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./internal/...

# Half a minute for every fuzz target.
fuzz:
	@for dir in $$(grep -rlE '^func Fuzz' --include='*_test.go' internal sdk | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$dir/*_test.go | sed 's/func //'); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime 30s ./$$dir || exit 1; \
		done; \
	done
