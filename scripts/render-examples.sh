#!/usr/bin/env bash
# Renders docs/examples anew: the whole demo first, then a company beside it. Needs `make` and the demo's models.
# Usage: scripts/render-examples.sh
# Exit code: 0 rendered · 1 a command failed.
set -euo pipefail
cd "$(dirname "$0")/.."

provenote="$PWD/${CARGO_TARGET_DIR:-target}/release/provenote"
case "${CARGO_TARGET_DIR:-}" in /*) provenote="$CARGO_TARGET_DIR/release/provenote" ;; esac
out="$PWD/docs/examples"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Findings (exit 3) are what these examples are about.
run() { "$provenote" "$@" || test $? -eq 3; }

cp fixtures/vendors/* "$work"
cd "$work"
run demo --out demo >/dev/null
export PROVENOTE_HOME="$work/demo/practice" PROVENOTE_PASSPHRASE_FILE="$work/demo/passphrase.txt"

run vendor add "Cloudscribe Inc." --does "turns speech into text" --place "Ohio, United States" --keeps-days 30 --trains no
run vendor agreement "Cloudscribe Inc." cloudscribe-baa.md --signed 2026-03-01 --by "Dana Reyes"
cp privacy-2025.html privacy.html
run terms track "Cloudscribe Inc." privacy.html --type "Privacy Policy"
run terms check
cp privacy-2026.html privacy.html
run terms check
run vendor answer "Cloudscribe Inc." second-factor yes --text "Its administrators confirmed it by e-mail" --date 2026-02-10
run vendor answer "Cloudscribe Inc." prompt-log no --text "Support said that prompts are not kept" --date 2026-02-10

rm -f "$out"/*.pdf "$out"/*.txt "$out"/*.csv "$out"/*.json
mkdir -p "$out"
run baa review cloudscribe-baa.md >"$out/baa-review.txt"
run terms diff privacy-2025.html privacy-2026.html >"$out/terms-diff.txt"
run vendor audit "Cloudscribe Inc." --csv "$out/audit.csv" --oscal "$out/audit.oscal.json" >/dev/null
run report checklist "Cloudscribe Inc." -o "$out/checklist-company.pdf"
run report checklist local -o "$out/checklist-own-pipeline.pdf"
run report stack -o "$out/stack.pdf"
run report board -o "$out/board.pdf"

# A colleague who does the billing: what she sees of a note, what she is refused, and the report on all of it.
run settings set factor_roles owner=off,biller=off >/dev/null
echo "quiet orchard lantern drum seven" >sam.txt
owner=$("$provenote" --json access user list | sed -n 's/.*"id": "\(usr-[0-9a-z]*\)".*/\1/p' | head -1)
run access user add "Sam Ortiz" --role biller --user-passphrase-file sam.txt >/dev/null
export PROVENOTE_USER=$owner
sam=$("$provenote" --json access user list | sed -n 's/.*"id": "\(usr-[0-9a-z]*\)".*/\1/p' | grep -v "$owner")
note=$("$provenote" --json note list | sed -n 's/.*"note": "\(note-[0-9a-z]*\)".*/\1/p' | head -1)
client=$("$provenote" --json session list | sed -n 's/.*"client": "\(cli-[0-9a-z]*\)".*/\1/p' | head -1)
run claim change "$note" --cpt 90834=1 >/dev/null
run --as "$sam" --passphrase-file sam.txt note show "$note" >"$out/claim.txt"
"$provenote" --as "$sam" --passphrase-file sam.txt client openings "$client" 2>/dev/null || test $? -eq 4
run client openings "$client" >"$out/openings.txt"
run report access -o "$out/access.pdf"
echo "rendered into docs/examples"
