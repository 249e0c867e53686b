#!/usr/bin/env python3
"""Checks a Provenote evidence bundle without Provenote: Python's standard library and `cryptography`.
usage: python3 verify.py BUNDLE.zip [KEY]     KEY: the practice's key, from a consent form
exit:  0 everything holds · 1 could not be read · 3 refused, with the reason"""
import base64, hashlib, hmac, json, re, struct, sys, zlib
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
class Refused(Exception): "Why a bundle is refused: a sentence."
def need(holds, why):
    if not holds: raise Refused(why)
def sha(data): return hashlib.sha256(data).digest()
def b64(text):
    need(base64.b64encode(raw := base64.b64decode(text, validate=True)).decode() == text, "a base64 text is not in its one form")
    return raw
def canonical(value): return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
def parse(data, what):  # JSON has one form here: that of RFC 8785, with keys in ASCII and whole numbers
    need(canonical(json.loads(data)) == data, f"{what} is not in its canonical form")
    return json.loads(data)
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
Y8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826
def sound(point): return len(point) == 32 and (y := int.from_bytes(point, "little") % 2**255) < P and y not in (0, 1, P - 1, Y8, P - Y8)
def signed(key, message, signature):  # Ed25519, strictly: one encoding of everything, and no point of small order
    strict = sound(key) and sound(signature[:32]) and len(signature) == 64 and int.from_bytes(signature[32:], "little") < L
    try: return strict and Ed25519PublicKey.from_public_bytes(key).verify(signature, message) is None
    except (InvalidSignature, ValueError): return False
def vkey(text, kind):  # C2SP vkey: name, id, key
    name, key_id, raw = *text.split("+", 2)[:2], b64(text.split("+", 2)[2])
    need(raw[0] == kind and key_id == sha(name.encode() + b"\n" + raw)[:4].hex() and sound(raw[1:]), f"{name} is no key")
    return name, key_id, raw[1:]
def unzip(data):  # a ZIP file with one form: put together again from its members, and compared
    members, central, at = {}, b"", 0
    need(data[:4] == b"PK\3\4" and len(data) <= 512 << 20, "this is no evidence bundle")
    while data[at:at + 4] == b"PK\3\4":
        method, crc, length, named = struct.unpack("<8xH4xI4xIH2x", data[at:at + 30])
        name, start = data[at + 30:at + 30 + named].decode("ascii"), at + 30 + named
        body, common = data[start:start + length], struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, crc, length, length, named, 0)
        need(re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", name, re.A) and named <= 200, "a member's name could lead out of its folder")
        need(method == 0, f"{name} is compressed; a bundle's members are not")
        whole = len(body) == length and zlib.crc32(body) == crc and data[at + 4:at + 30] == common
        need(whole and name not in members, f"{name} is damaged, comes twice, or is not packed as a bundle's members are")
        central += b"PK\1\2\n\0" + common + bytes(10) + struct.pack("<I", at) + name.encode()
        members[name], at = body, start + length
    central += struct.pack("<4sIHHIIH", b"PK\5\6", 0, len(members), len(members), len(central), at, 0)
    need(data[at:] == central, "the directory at the end of the file is not as a bundle has it")
    return members
def leaf(entry): return sha(b"\0" + entry)
def node(left, right): return sha(b"\1" + left + right)
def included(index, size, entry, proof):  # the root, as RFC 6962, section 2.1, defines tree and proof
    if size == 1: return entry if index == 0 and not proof else None
    k, rest, last = 1 << (size - 1).bit_length() - 1, proof[:-1], proof[-1]
    return node(included(index, k, entry, rest), last) if index < k else node(last, included(index - k, size - k, entry, rest))
def grown(old, new, proof, start):  # the roots of both, where `start` is the old one if it stands at the left
    if old == new: return (start or proof[0],) * 2 if old and len(proof) == (start is None) else (None, None)
    k, rest, last = 1 << (new - 1).bit_length() - 1, proof[:-1], proof[-1]
    one, two = grown(old, k, rest, start) if old <= k else grown(old - k, new - k, rest, None)
    return (one, node(two, last)) if old <= k else (node(last, one), node(last, two))
def keys(manifest, headers):  # each is announced in an entry that it and the key before it signed
    chain, fields = [], ("epoch", "from_size", "vkey")
    for told in manifest["keys"]:
        key, header = vkey(told["vkey"], 1), headers.get(told["from_size"] - 1)
        need((key[0], told["epoch"]) == (manifest["origin"], len(chain) + 1), "a key is not this log's or out of order")
        if chain:
            need(header["kind"] == "log.key_rotated" and all(header["facts"][f] == told[f] for f in fields), "no entry announces a key")
            message = "\n".join(["provenote/rotate/v1", key[0], *(str(told[f]) for f in fields), ""]).encode()
            by = (chain[-1], "signature_old"), (key, "signature_new")
            need(all(signed(k[2], message, b64(header["facts"][f])) for k, f in by), "a key is not handed on by the key before it")
        chain.append((*key, told["vkey"]))
    need(len(chain) == 1 + sum(h["kind"] == "log.key_rotated" for h in headers.values()), "keys are missing from the list")
    return chain
def witnesses(policy, text, lines):  # C2SP tlog-policy and tlog-cosignature
    names, groups, quorum, agreed = {}, {}, None, {}
    for word, name, *rest in (line.split() for line in policy.splitlines()):
        if word == "witness": names[name] = vkey(rest[0], 4) if len(rest[0]) < 1000 else None
        if word == "group": groups[name] = {"any": 1, "all": len(rest) - 1}.get(rest[0]) or int(rest[0]), rest[1:]
        if word == "quorum": quorum = name
    for name, key_id, raw in lines:
        who = next((n for n, key in names.items() if key and key[:2] == (name, key_id) and n not in agreed), None)
        need(who, "a signature under the checkpoint is of nobody the bundle names")
        agreed[who] = int.from_bytes(raw[:8], "big")
        need(signed(names[who][2], f"cosignature/v1\ntime {agreed[who]}\n{text}".encode(), raw[8:]), f"the signature of {who} does not hold")
    def met(name): return sum(map(met, groups[name][1])) >= groups[name][0] if name in groups else name in agreed
    need(quorum == "none" or met(quorum), "fewer witnesses signed the checkpoint than the policy asks for")
    return agreed
def attested(header, shown, signers):  # a clinician's own signature, where it is shown
    if header["kind"] == "note.attested" and "attestation" in shown:
        record = json.loads(shown["attestation"])
        own, message, signature = record["attestation"], canonical(record["attestation"]), record["signature"]
        whole = "text" not in shown or own["text"] == sha(shown["text"]).hex()
        need(whole and (own["user"], own["note"]) == (header["actor"], header["refs"]["note"]), "an attestation is of another text, note or user")
    elif header["kind"] == "note.amended" and "amendment" in shown and "signature" in shown:
        message, signature = shown["amendment"], shown["signature"].decode()
    else: return 0
    return need(signed(signers[header["actor"]], message, bytes.fromhex(signature)), f"a signature in entry {header['seq']} does not hold") or 1
ENDINGS = {"application/json": "json", "application/pdf": "pdf", "image/png": "png", "text/plain": "txt"}
def check(data, own_key=None):
    m = unzip(data)
    manifest = parse(m["manifest.json"], "the manifest")
    need(manifest["format"] == "provenote-bundle/1" and manifest["keys"][0]["from_size"] == 0, "the bundle is of another format")
    listed, earlier, files = manifest["entries"], manifest["earlier"], manifest["files"]
    made = [int(seq) for seq in {n[8:-5] for n in m if n.startswith("entries/")} - {*map(str, listed)}]
    need(len(made) == 1 and made[0] > listed[-1] and listed == sorted(set(listed)), "the entry that records this bundle is missing")
    seqs = listed + made
    order = ["README.txt", "verify.html", "verify.py", "manifest.json", "checkpoint", "policy", *["report.pdf"] * ("report.pdf" in files)]
    order += [f"consistency/{n}.txt" for n in earlier] + [f"entries/{n}.json" for n in seqs] + [f"proofs/{n}.tlog-proof" for n in seqs]
    need(list(m) == order + [d["file"] for d in manifest["disclosed"]], "a member is missing, too many, or not in its place")
    need({*files} - {"report.pdf"} == {*order[:3], "policy"}, "the manifest does not give the digests it should")
    for name, digest in files.items(): need(sha(m[name]).hex() == digest, f"{name} is not the file the practice put in")
    headers = {header["seq"]: header for header in (parse(m[f"entries/{seq}.json"], f"entry {seq}") for seq in seqs)}
    need([*headers] == seqs, "an entry is not in its place")
    record, bound = headers[made[0]], ("bundle.created", sha(m["manifest.json"]).hex())
    need((record["kind"], record["facts"]["manifest"]) == bound, "the manifest is not the one the practice recorded")
    chain, note, policy = keys(manifest, headers), m["checkpoint"].decode(), m["policy"].decode()
    need(own_key is None or own_key in [key[3] for key in chain], "the key you gave is none of this bundle's: it is another practice's")
    form, last = re.fullmatch("(([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]+)\n)\n((?:— [^ \n]+ [^ \n]+\n)+)", note), chain[-1]
    text, size, root = form[1], int(form[3]), b64(form[4])
    need(form[2] == manifest["origin"] and size > made[0] and size >= manifest["keys"][-1]["from_size"], "the checkpoint is not this log's, or too old")
    lines = [(name, (raw := b64(line))[:4].hex(), raw[4:]) for _, name, line in (line.split(" ") for line in form[5].splitlines())]
    need(lines[0][:2] == last[:2] and signed(last[2], text.encode(), lines[0][2]), "the checkpoint is not signed by the practice")
    need(re.findall(r"(?m)^log (\S+)$", policy) == [last[3]], "the policy is for another key")
    agreed = ", ".join(witnesses(policy, text, lines[1:])) or "none"
    for seq in seqs:
        start, end, proof = f"c2sp.org/tlog-proof@v1\nindex {seq}\n", "\n" + note, m[f"proofs/{seq}.tlog-proof"].decode()
        hashes = [b64(line) for line in proof[len(start):-len(end)].split("\n")[:-1]]
        stands = proof.startswith(start) and proof.endswith(end) and included(seq, size, leaf(m[f"entries/{seq}.json"]), hashes) == root
        need(stands, f"entry {seq} is not proved to stand in the practice's log")
    for n in earlier:
        first, told, *hashes, empty = m[f"consistency/{n}.txt"].decode().split("\n")
        old, *path = map(b64, hashes)
        need((first, told, empty) == ("provenote-consistency/1", str(n), "") and grown(n, size, path, old) == (old, root), f"the log was changed before {n}")
    payloads, shown = {(seq, p["name"]): p for seq in seqs for p in headers[seq]["payloads"]}, {seq: {} for seq in seqs}
    for d in manifest["disclosed"]:
        sealed, body = payloads.pop((d["seq"], d["name"])), m[d["file"]]
        need(d["file"] == f"payloads/{d['seq']}-{d['name']}.{ENDINGS.get(sealed['media_type'].split(';')[0], 'bin')}", "a file has another name")
        need(hmac.digest(bytes.fromhex(d["key"]), body, "sha256").hex() == sealed["commitment"], f"{d['file']} is not what was sealed")
        shown[d["seq"]][d["name"]] = body
    for w in manifest["withheld"]:
        sealed, receipt = payloads.pop((w["seq"], w["name"])), headers.get(w.get("destroyed_by"))
        gone = receipt and receipt["kind"] == "record.destroyed" and receipt["refs"]["group"] == sealed["group"]
        need(sealed["class"] == w["class"] and ("destroyed_by" not in w or gone), f"{w['name']} of entry {w['seq']} is not withheld for that reason")
    need(not payloads, f"neither shown nor listed as withheld: {sorted(payloads)}")
    signers = {h["refs"]["user"]: bytes.fromhex(h["facts"]["sign_key"]) for h in headers.values() if h["kind"] == "user.added"}
    notes = sum(attested(headers[seq], of, signers) for seq, of in shown.items())
    return (f"intact: {len(seqs)} of {size} entries, {len(manifest['disclosed'])} texts shown, {len(manifest['withheld'])} withheld, {notes} signed\n"
            f"key: {chain[0][3]}\nwitnesses: {agreed}\nNo bundle shows what was never recorded or was left out. Compare the key with one you have on paper.")
if __name__ == "__main__":
    if len(sys.argv) < 2: sys.exit(__doc__)
    try: sys.exit(print(check(open(sys.argv[1], "rb").read(), *sys.argv[2:3])))
    except OSError as error: sys.exit(str(error))
    except Refused as why: sys.exit(print(f"refused: {why}") or 3)
    except Exception as error: sys.exit(print(f"refused: the file is not in the form of a bundle ({type(error).__name__})") or 3)
