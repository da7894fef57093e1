# Everything here is a short name for a command of Go's own; Go is all it needs,
# but for `make lint`.

.PHONY: all test race cover vet lint generate bench storm ci clean

all: vet test

test:
	go test ./...

race:
	go test -race -shuffle=on ./...

cover:
	go test -coverprofile=cover.out -coverpkg=./engine/...,./steps/...,./chat2desk/... ./...
	go tool cover -func=cover.out | tail -n 1

vet:
	go vet ./...

# golangci-lint v2, see .golangci.yml.
lint:
	golangci-lint run

# schema.json and the reference pages, from the grammar, kinds and functions; the numbering plans of all
# countries, from the library of go.mod; and the empty ledger, by the steps of its format. Golden files are written the same way: go test ./path/to/package -update
generate:
	go test ./internal/archtest -run TestSchemaIsFresh -update
	go test ./docs -run TestReferencesAreFresh -update
	go test ./engine/phone -run TestTablesAreFresh -update
	go test ./engine/ledger/sqlite -run TestEmptyLedgerIsFresh -update

# Minutes of work for the whole machine: flowrunner against loops written by hand.
# Flags: make bench BENCH='-clients 10000 -only broadcast'
bench:
	go run ./internal/bench $(BENCH)

# The long form of the proofs in docs/proof.md: some minutes for each seed.
# Other seeds: make storm SEEDS='7 8'
SEEDS ?= 1 2 3 4 5
storm:
	for seed in $(SEEDS); do \
		go run ./cmd/flowrunner torture internal/torture/testdata/storm.yaml --kills 1000 --each 25 --sandbox-clients 1000 --parallel 16 --seed $$seed || exit 1; \
	done

ci:
	.ci/run

clean:
	rm -rf cover.out examples/out examples/.flowrunner
