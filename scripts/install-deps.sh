#!/usr/bin/env bash
# Installs what the build (and, with `test`, the tests) need from Debian's packages; says in one sentence what to
# install where it cannot. A second run finds everything and ends at once.
# usage: scripts/install-deps.sh build|test
set -euo pipefail

# cmake, clang and libclang: llama.cpp, whisper.cpp and their bindings. python3 (with venv): the models' packages.
build=(cmake g++ clang libclang-dev pkg-config python3 python3-venv)
# qpdf and poppler-utils: the PDFs are checked and looked at. pocketsphinx-testdata: real speech with its transcripts.
# git: histories of terms. openssl: a time-stamping authority for the tests. python3-cryptography: the program that attacks the ledger.
tests=("${build[@]}" git qpdf poppler-utils pocketsphinx-testdata openssl python3-cryptography)

case "${1:-build}" in
    build) wanted=("${build[@]}") ;;
    test) wanted=("${tests[@]}") ;;
    *) echo "usage: scripts/install-deps.sh build|test" >&2; exit 2 ;;
esac

rust=1.95
if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    echo "Rust is missing: install Rust $rust or newer with rustup, then run this again." >&2
    exit 1
fi
have="$(rustc --version | cut -d' ' -f2)"
if [ "$(printf '%s\n%s\n' "$rust" "$have" | sort -V | head -n1)" != "$rust" ]; then
    echo "Rust $have is too old: install Rust $rust or newer (\`rustup update stable\`), then run this again." >&2
    exit 1
fi

if command -v dpkg-query >/dev/null; then
    missing=()
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && exit 0
    if [ "$(id -u)" -eq 0 ]; then
        root=()
    elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        root=(sudo)
    else
        echo "Debian packages are missing: have an administrator run \`apt-get install ${missing[*]}\`, then run this again." >&2
        exit 1
    fi
    echo "dependencies: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # An old package list often still works, so a failing update is not the end.
    "${root[@]}" apt-get update -qq || true
    if ! "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
        echo "Debian packages could not be installed: run \`apt-get install ${missing[*]}\` by hand and read what it says." >&2
        exit 1
    fi
    exit 0
fi

# Elsewhere: by the commands that are there.
commands=(cmake c++ clang pkg-config python3)
[ "${1:-build}" = test ] && commands+=(git qpdf pdftotext openssl chromium)
missing=()
for command in "${commands[@]}"; do
    command -v "$command" >/dev/null || missing+=("$command")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "These programs are missing: install ${missing[*]} with your system's package manager, then run this again." >&2
    exit 1
fi
