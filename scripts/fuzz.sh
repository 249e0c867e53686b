#!/usr/bin/env bash
# Fuzzes every reader of foreign bytes for a bounded time. What is found new is not kept; a crash is, in fuzz/artifacts.
# usage: scripts/fuzz.sh [SECONDS for each target, default 20] [TARGET...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds="${1:-20}"
shift || true
version=0.13.2

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz: the nightly toolchain is missing: install it with \`rustup toolchain install nightly\`" >&2
    exit 1
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "fuzz: installing cargo-fuzz $version, once"
    cargo install cargo-fuzz --quiet --version "$version" --locked
fi

# Beside the other build products where those are elsewhere.
built="$PWD/fuzz/target"
if [ -n "${CARGO_TARGET_DIR:-}" ]; then built="$CARGO_TARGET_DIR/fuzz"; fi
unset CARGO_TARGET_DIR
host="$(rustc +nightly -vV | sed -n 's/^host: //p')"

targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
    cargo +nightly fuzz build --target-dir "$built"
else
    for target in "${targets[@]}"; do cargo +nightly fuzz build --target-dir "$built" "$target"; done
fi

found="$(mktemp -d)"
trap 'rm -rf "$found"' EXIT
for target in "${targets[@]}"; do
    echo "fuzz: $target, $seconds s, $(find "fuzz/corpus/$target" -type f | wc -l) seeds"
    mkdir -p "$found/$target" "fuzz/artifacts/$target"
    log="$found/$target.log"
    if ! "$built/$host/release/$target" "$found/$target" "fuzz/corpus/$target" \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$target/" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "fuzz: $target failed; the input is in fuzz/artifacts/$target" >&2
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: */fuzz:   inputs tried: /p' "$log"
done
echo "fuzz: ${#targets[@]} targets, $seconds s each, no crash"
