# What a newcomer needs is `make test`. CI runs the same, and then the rest.

GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build test wrangler patterns browser frontend contract readme check fuzz speed bench golden crash torture release actions clean

build: ## the binary, in bin/
	$(GO) build -trimpath -o bin/cfboot ./cmd/cfboot

# Whole runs wait more than they compute: for locks, for what comes into sight late.
test: ## everything that runs without an account and without Node
	$(GO) test -race -parallel 5 $(if $(SKIP),-skip '$(SKIP)') ./...

wrangler: ## the generated project with npm and the real wrangler, against the emulator
	@test -x e2e/node_modules/.bin/wrangler || (cd e2e && npm ci --ignore-scripts --no-audit --no-fund)
	CFBOOT_WITH_WRANGLER=1 $(GO) test -count 1 -timeout 20m -run TestWrangler -v ./e2e
	CFBOOT_WRANGLER=$(CURDIR)/e2e/node_modules/.bin/wrangler $(GO) test -count 1 -timeout 20m -run TestWrangler ./provision/emulator
	CFBOOT_WITH_WRANGLER=1 $(GO) test -count 1 -run TestSchemaIsThePinnedOne ./wrangler

release: ## archives and checksums for every platform, in dist/: make release VERSION=1.2.3
	GO=$(GO) .ci/release $(VERSION)

actions: ## a release as it is built, twice the same, fetched and run by action.yml
	CFBOOT_RELEASE=1 $(GO) test -count 1 -timeout 20m -run 'TestRelease$$|TestActionFromSource$$' -v ./e2e

PATTERNS ?= all
patterns: ## every pattern with each option: installed, linted, tested, bundled, run and asked; PATTERNS="some" for all options at once, "all saas" for one pattern, "ask" for the last part
	@test -x e2e/node_modules/.bin/wrangler || (cd e2e && npm ci --ignore-scripts --no-audit --no-fund)
	CFBOOT_PATTERNS="$(PATTERNS)" $(GO) test -count 1 -timeout 180m -run 'TestPatterns$$' -v ./e2e

BROWSER ?= all
browser: ## every pattern's pages in a real Chromium; BROWSER="some" for what fits into a minute, "all saas" for one pattern
	@test -x e2e/node_modules/.bin/wrangler || (cd e2e && npm ci --ignore-scripts --no-audit --no-fund)
	@test -d e2e/browser/node_modules/$(if $(filter some,$(BROWSER)),playwright-core,lighthouse) || (cd e2e/browser && npm ci --ignore-scripts --no-audit --no-fund $(if $(filter some,$(BROWSER)),--omit=dev))
	CFBOOT_BROWSER="$(BROWSER)" $(GO) test -count 1 -timeout 60m -run 'TestBrowser$$' -v ./e2e

FRONTEND ?= all
frontend: ## the pages of --frontend: installed, tested, built and served, and looked at where there is chromium; FRONTEND=angular for one
	@test -x e2e/node_modules/.bin/wrangler || (cd e2e && npm ci --ignore-scripts --no-audit --no-fund)
	CFBOOT_FRONTEND="$(FRONTEND)" $(GO) test -count 1 -timeout 60m -run 'TestFrontend$$' -v ./e2e

# The suites record what is said while they run, when CFBOOT_RECORD names a folder
# for it, as in CI. Where it names none they run here once more.
contract: ## what clients and the emulator say, against Cloudflare's OpenAPI documents; UPDATE=1 rewrites ENDPOINTS.md
ifeq ($(CFBOOT_RECORD),)
	@set -e; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; export CFBOOT_RECORD=$$dir; \
	$(GO) test -count 1 ./provision/kinds ./e2e/sdk; \
	$(GO) test -count 1 -run TestScripts ./e2e; \
	$(MAKE) wrangler contract
else
	CFBOOT_RECORDINGS=$(CFBOOT_RECORD) $(GO) test -count 1 -v -run TestContract ./e2e/contract $(if $(UPDATE),-update)
endif

readme: ## the README's first command, as it stands there
	$(GO) test -count 1 -run TestReadme -v ./e2e

check: ## formatting, vet, staticcheck
	@test -z "$$(gofmt -l cmd provision templates wrangler e2e)" || { gofmt -l cmd provision templates wrangler e2e; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

FUZZTIME ?= 60s
fuzz: ## each fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

crash: ## kill the real binary at every point of new, apply and destroy
	$(GO) test -run '^TestKilled' -count 1 -v ./e2e

N ?= 2000
SEED ?= 0
torture: ## N random programs with random faults; with SEED the same each time
	GOGC=400 $(GO) test -run '^TestTorture$$' -count 1 -v -timeout 0 ./e2e -rapid.nofailfile -rapid.seed $(SEED) -rapid.checks $$(( ($(N) + 1) / 2 ))

speed: ## whole runs, timed against the emulator at 150 ms a call; wants a quiet machine
	CFBOOT_SPEED=1 $(GO) test -run TestSpeed -count 1 -v ./e2e

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

golden: ## rewrite the golden files; read the difference before you commit it
	UPDATE=1 $(GO) test ./e2e -run TestScripts
	$(GO) test ./provision/... ./templates -update

clean:
	rm -rf bin dist e2e/node_modules
