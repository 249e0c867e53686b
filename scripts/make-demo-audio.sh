#!/usr/bin/env bash
# Speaks fixtures/demo/*.txt with two flite voices and writes the FLAC recordings beside them: 16 kHz, mono, 16 bit.
# usage: scripts/make-demo-audio.sh
# Needs flite and sox. The voices' output is the same on every run, and so are the pauses (0.4 to 0.7 s, by line number).
# The recordings are committed: run this only after changing a script, then correct the digests in the README.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
for tool in flite sox; do
    if ! command -v "$tool" >/dev/null; then
        echo "demo audio: $tool is missing: install the packages flite and sox, then run this again" >&2
        exit 1
    fi
done
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

speak() { # SCRIPT OUT
    local script="$1" out="$2" n=0 who line voice pause parts=()
    while IFS='|' read -r who line; do
        case "$who" in
            therapist) voice=rms ;;
            client) voice=slt ;;
            *) continue ;;
        esac
        n=$((n + 1))
        pause="0.$((4 + n % 4))"
        flite -voice "$voice" -t "$line" -o "$work/raw.wav"
        # -D: no dither, so that the bytes are the same on every run. -3 dB leaves headroom for the resampler.
        sox -D "$work/raw.wav" -r 16000 -c 1 -b 16 "$work/$n.wav" gain -n -3 pad 0 "$pause"
        parts+=("$work/$n.wav")
    done <"$script"
    sox -D "${parts[@]}" --comment '' -C 8 "$out"
    echo "demo audio: $(basename "$out"): $n lines, $(soxi -D "$out") s, $(stat -c %s "$out") bytes, sha256 $(sha256sum "$out" | cut -d' ' -f1)"
}

speak "$root/fixtures/demo/session.txt" "$root/fixtures/demo/session.flac"
speak "$root/fixtures/demo/short.txt" "$root/fixtures/demo/short.flac"
