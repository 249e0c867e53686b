# make        builds provenote and its two workers, side by side in target/release (or CARGO_TARGET_DIR)
# make demo   the whole job on the bundled recording, as a short story
# make test   formatting, lints, licences and every test
# make bench  speed, as ratios to a baseline of the same run
# make fuzz   every parser, some seconds each (FUZZ_SECONDS=20), on the nightly toolchain
# make soak   thousands of kills and flipped bytes: an hour and more
# Each installs or fetches what it lacks, or says what to install. Everything uses one profile (release) and one choice
# of features (the whole workspace), so that llama.cpp, whisper.cpp and Typst are compiled once.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.PHONY: all demo test lint bench fuzz soak deps fmt

TARGET := $(or $(CARGO_TARGET_DIR),target)
export PROVENOTE_MODELS ?= $(HOME)/.cache/provenote/models
say = @printf '\n== %s\n'

all:
	@scripts/install-deps.sh build
	$(say) 'building provenote and its workers (the first time 10 to 20 minutes on two cores, most of it llama.cpp and Typst)'
	@cargo build --locked --release --workspace --bins
	@echo 'built: $(TARGET)/release/provenote'

demo: all
	$(say) 'fetching the models (the first time 1.4 GB)'
	@scripts/fetch-models.sh demo
	$(say) 'the demo'
	@$(TARGET)/release/provenote demo

test: deps lint
	$(say) 'fetching the models that the tests use'
	@scripts/fetch-models.sh small
	$(say) 'building everything (the first time 10 to 20 minutes on two cores), then the tests'
	@cargo build --locked --release --workspace --bins
	@cargo test --locked --release --workspace

lint:
	$(say) 'formatting, lints and licences'
	@cargo fmt --check
	@cargo clippy --locked --quiet --release --workspace --all-targets -- -D warnings
	@scripts/check-dependencies.sh

bench:
	@scripts/install-deps.sh test
	@scripts/fetch-models.sh demo
	@scripts/bench-peers.sh
	$(say) 'building, then the benchmarks'
	@cargo build --locked --release --workspace --bins
	@cargo bench --locked --workspace

FUZZ_SECONDS ?= 20
fuzz:
	@scripts/fuzz.sh $(FUZZ_SECONDS)

soak: deps
	@scripts/soak.sh

deps:
	@scripts/install-deps.sh test

fmt:
	@cargo fmt
