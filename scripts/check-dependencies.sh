#!/usr/bin/env bash
# Licences, bans and sources of every crate (deny.toml), and known vulnerabilities where their list can be fetched.
# usage: scripts/check-dependencies.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=0.20.2
tools="${PROVENOTE_TOOLS:-$HOME/.cache/provenote/tools}"
deny="$tools/bin/cargo-deny"

if [ "$("$deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
    echo "dependencies: installing cargo-deny $version, once (some minutes)"
    # A tool that runs for a second need not be optimised for long.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_TARGET_DIR="$tools/build" cargo install cargo-deny --quiet --version "$version" --locked --root "$tools"
    rm -rf "$tools/build"
fi

"$deny" --log-level error check --hide-inclusion-graph bans licenses sources
echo "dependencies: licences, bans and sources are as deny.toml wants them"

# The advisories are a git repository elsewhere. Where it cannot be reached, that is said and nothing else.
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if timeout 60 "$deny" --log-level error fetch db >"$log" 2>&1; then
    "$deny" --log-level error check --disable-fetch --hide-inclusion-graph advisories
    echo "dependencies: no known vulnerability"
else
    echo "dependencies: the list of known vulnerabilities could not be fetched here, so they were not checked"
fi
