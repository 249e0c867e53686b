#!/usr/bin/env bash
# What takes too long for every day: 1,000 processes killed at random points, 10,000 random bytes flipped in the
# database, its journal and the key files. Set PROVENOTE_KILLS or PROVENOTE_FLIPS for other numbers.
# usage: scripts/soak.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PROVENOTE_KILLS="${PROVENOTE_KILLS:-1000}"
export PROVENOTE_FLIPS="${PROVENOTE_FLIPS:-10000}"
echo "soak: $PROVENOTE_KILLS kills, $PROVENOTE_FLIPS flipped bytes"
# The whole workspace is named so that its choice of features is the one everything else was built with.
cargo test --locked --release --workspace --test durability --test attacks
