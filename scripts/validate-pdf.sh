#!/usr/bin/env bash
# Checks PDF files against PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1), one line for each file.
# Usage: scripts/validate-pdf.sh FILE.pdf...
# Exit code: 0 all files keep both · 1 one does not · 2 the validator could not be set up.
#
# The validator is the Python package page-validation. It is installed once, into a virtual
# environment under ~/.cache/provenote, and reused.
set -euo pipefail

version=0.11.0
home="${XDG_CACHE_HOME:-$HOME/.cache}/provenote/venv"
python="$home/bin/python"

if ! "$python" -c "import page" 2>/dev/null; then
    mkdir -p "$(dirname "$home")"
    # Two tests may come here at once: the first one installs, the others wait.
    exec 9>"$home.lock"
    if command -v flock >/dev/null; then flock 9; fi
    if ! "$python" -c "import page" 2>/dev/null; then
        if ! python3 -m venv "$home" >&2; then
            echo "validate-pdf: Python cannot make a virtual environment: install it with 'apt install python3-venv' and run this again" >&2
            exit 2
        fi
        if ! "$home/bin/pip" install --quiet --disable-pip-version-check "page-validation==$version" >&2; then
            echo "validate-pdf: the validator page-validation $version could not be installed: check the network and run this again" >&2
            exit 2
        fi
    fi
    exec 9>&-
fi

exec "$python" - "$@" <<'PYTHON'
import re
import sys

import page

LENGTH = "PDFA3A-STREAM-LENGTH-001"


def lengths_hold(data: bytes) -> bool:
    """True where every stream has exactly the bytes its /Length says, then a line end, then endstream.

    The validator takes a stream's last byte for a part of the line end when it is a carriage return,
    and then reports a length that does not match. Compressed data ends in that byte once in 256
    streams, so what it reports is measured anew, as ISO 32000-1 7.3.8.1 asks.
    """
    at = 0
    while match := re.compile(rb"(?<!end)stream\r?\n").search(data, at):
        head = data[data.rfind(b" obj", 0, match.start()):match.start()]
        length = re.search(rb"/Length (\d+)(?! \d+ R)", head)
        if not length:
            return False
        at = match.end() + int(length[1])
        if not re.match(rb"\r?\n?endstream", data[at:at + 12]):
            return False
    return True


bad = False
for path in sys.argv[1:]:
    words = []
    for profile, name in (("3a", "PDF/A-3a"), ("ua1", "PDF/UA-1")):
        report = page.validate_pdf(path, profile=profile)
        failures = [(f.rule_id, f.message) for f in report.failures]
        if any(rule == LENGTH for rule, _ in failures) and lengths_hold(open(path, "rb").read()):
            failures = [(rule, message) for rule, message in failures if rule != LENGTH]
        elif not failures and not report.is_compliant:
            failures = [("?", "not compliant, and no rule is named")]
        words.append(f"{name} {'no' if failures else 'yes'}")
        for rule, message in failures:
            bad = True
            print(f"{path}: {name} {rule}: {message}", file=sys.stderr)
    print(f"{path}: {', '.join(words)}")
sys.exit(1 if bad else 0)
PYTHON
