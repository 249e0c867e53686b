#!/usr/bin/env python3
"""Attacks on a practice's ledger, for the tests of its verification.

    ledger_attack.py ATTACK HOME [--seq N] [--seeds FILE] [--old HOME] [--other HOME] [--local-anchor]

HOME holds ledger.db, keys/ and blobs/ and is changed in place. Each attack is made as well as its attacker could:
whoever can write the database makes hashes, tiles, bundles and index fit; an insider, who has the log's key
(--seeds: one seed in hexadecimal a line, first epoch first), signs the result anew, and with --local-anchor also
replaces the checkpoint beside the keys.

Nothing here is shared with the program that is attacked. What its files hold was read in the documentation of
ledger/sqlite/src/schema.rs (the tables), ledger/src/header.rs (an entry), ledger/src/rotation.rs (a change of key) and
in RFC 6962, RFC 8785, C2SP signed-note, tlog-checkpoint and tlog-tiles. Only the standard library and `cryptography`.
"""

import argparse
import base64
import hashlib
import json
import os
import shutil
import sqlite3
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WIDTH = 256
ROTATED = "log.key_rotated"


def sha256(data):
    return hashlib.sha256(data).digest()


# -- the tree (RFC 6962 section 2.1) ---------------------------------------------------------------------------------


def leaf(entry):
    return sha256(b"\x00" + entry)


def node(left, right):
    return sha256(b"\x01" + left + right)


def root_of(hashes):
    """The tree hash over hashes of one level, by the definition: split at the largest power of two below."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node(root_of(hashes[:split]), root_of(hashes[split:]))


# -- keys and notes ---------------------------------------------------------------------------------------------------


class Key:
    def __init__(self, origin, seed):
        self.origin = origin
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = b"\x01" + self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = sha256(origin.encode() + b"\n" + self.public)[:4]

    def vkey(self):
        return f"{self.origin}+{self.id.hex()}+{base64.b64encode(self.public).decode()}"

    def line(self, text):
        signature = base64.b64encode(self.id + self.private.sign(text.encode())).decode()
        return f"\u2014 {self.origin} {signature}\n"


def checkpoint(origin, size, root):
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def note_of(keys, origin, size, root):
    text = checkpoint(origin, size, root)
    return text + "\n" + "".join(key.line(text) for key in keys)


# -- entries ----------------------------------------------------------------------------------------------------------


def encode(header):
    """RFC 8785 for what a header holds: ASCII strings that need no escape, and whole numbers."""
    return json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def index_keys(header):
    pairs = [("", header["kind"])] + list(header["refs"].items())
    keys = set()
    for name, value in pairs:
        fnv = 0xCBF29CE484222325
        for byte in f"{name}={value}".encode():
            fnv = ((fnv ^ byte) * 0x100000001B3) & (1 << 64) - 1
        keys.add(fnv - (1 << 64) if fnv >> 63 else fnv)
    return keys


def millis(time):
    import datetime

    at = datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    since = at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def written(ms):
    import datetime

    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def bundle(entries):
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundled(data):
    while data:
        length = int.from_bytes(data[:2], "big")
        yield data[2 : 2 + length]
        data = data[2 + length :]


# -- the database -----------------------------------------------------------------------------------------------------


class Ledger:
    def __init__(self, home):
        self.home = home
        self.db = sqlite3.connect(os.path.join(home, "ledger.db"), isolation_level=None)
        self.origin = self.db.execute("SELECT value FROM meta WHERE key = 'origin'").fetchone()[0]
        self.size, self.note = self.db.execute("SELECT size, note FROM head").fetchone()
        self.entries = []
        for (data,) in self.db.execute("SELECT entries FROM bundles ORDER BY n"):
            self.entries.extend(unbundled(data))
        for (data,) in self.db.execute("SELECT entries FROM tail ORDER BY first"):
            self.entries.extend(unbundled(data))

    def header(self, seq):
        return json.loads(self.entries[seq])

    def edit(self, seq, change):
        header = self.header(seq)
        change(header)
        self.entries[seq] = encode(header)

    def relink(self, start=0):
        """Numbers and links the entries anew from `start` on."""
        for seq in range(start, len(self.entries)):
            before = leaf(self.entries[seq - 1]) if seq else bytes(32)

            def change(header, seq=seq, before=before):
                header["seq"], header["prev"] = seq, before.hex()

            self.edit(seq, change)

    def write_entries(self):
        """Writes the entries, packed as the program packs them. Tiles, index and head stay as they are."""
        self.db.execute("DELETE FROM bundles")
        self.db.execute("DELETE FROM tail")
        full = len(self.entries) // WIDTH
        for n in range(full):
            part = self.entries[n * WIDTH : (n + 1) * WIDTH]
            times = []
            for entry in part:
                try:
                    times.append(millis(json.loads(entry)["time"]))
                except ValueError:
                    pass
            self.db.execute("INSERT INTO bundles VALUES (?, ?, ?)", (n, max(times, default=0), bundle(part)))
        for seq in range(full * WIDTH, len(self.entries)):
            self.db.execute("INSERT INTO tail VALUES (?, ?)", (seq, bundle([self.entries[seq]])))

    def write_tiles(self):
        self.db.execute("DELETE FROM tiles")
        hashes, level = [leaf(entry) for entry in self.entries], 0
        while len(hashes) >= WIDTH:
            above = []
            for index in range(len(hashes) // WIDTH):
                part = hashes[index * WIDTH : (index + 1) * WIDTH]
                above.append(root_of(part))
                row = (level << 48 | index, above[-1], b"".join(part))
                self.db.execute("INSERT INTO tiles VALUES (?, ?, ?)", row)
            hashes, level = above, level + 1

    def write_index(self):
        self.db.execute("DELETE FROM finder")
        for n in range(len(self.entries) // WIDTH):
            members = {}
            for i in range(WIDTH):
                for key in index_keys(self.header(n * WIDTH + i)):
                    members.setdefault(key, bytearray(32))[i // 8] |= 1 << i % 8
            rows = [(key, n, bytes(bits)) for key, bits in members.items()]
            self.db.executemany("INSERT INTO finder VALUES (?, ?, ?)", rows)

    def rebuild(self):
        """Everything that follows from the entries and needs no key."""
        self.write_entries()
        self.write_tiles()
        self.write_index()

    def forget_payloads(self):
        """Removes the payloads that no entry speaks of any more."""
        kept = {bytes.fromhex(p["ciphertext"]) for entry in self.entries for p in json.loads(entry)["payloads"]}
        rows = self.db.execute("SELECT id, ciphertext FROM payloads WHERE destroyed = 0").fetchall()
        self.db.executemany("DELETE FROM payloads WHERE id = ?", [(row,) for row, name in rows if name not in kept])

    def root(self):
        return root_of([leaf(entry) for entry in self.entries])

    def set_head(self, size, note):
        self.size, self.note = size, note
        self.db.execute("UPDATE head SET size = ?, note = ?", (size, note))

    def sign(self, keys):
        """A new head over the entries there are."""
        size = len(self.entries)
        self.set_head(size, note_of(keys, self.origin, size, self.root()))

    def epoch_keys(self, seeds):
        """The keys in order, with the length from which each signs, by the entries."""
        starts = [0] + [h["seq"] + 1 for h in map(json.loads, self.entries) if h["kind"] == ROTATED]
        return [(start, Key(self.origin, seed)) for start, seed in zip(starts, seeds)]

    def key_now(self, seeds):
        return [self.epoch_keys(seeds)[-1][1]]

    def close(self):
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()


def payload_row(ledger, reference):
    return ledger.db.execute(
        "SELECT id, grp, wrapped, body FROM payloads WHERE ciphertext = ?", (bytes.fromhex(reference["ciphertext"]),)
    ).fetchone()


def copy_database(source, home):
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        path = os.path.join(home, name)
        if os.path.exists(path):
            os.remove(path)
    shutil.copyfile(os.path.join(source, "ledger.db"), os.path.join(home, "ledger.db"))


def key_file(home, name):
    return os.path.join(home, "keys", *name.split("/"))


def rewrite_log_keys(home, change):
    """Changes keys/log.json and makes its checksum fit."""
    path = key_file(home, "log.json")
    with open(path, encoding="ascii") as file:
        log = json.load(file)["file"]
    change(log)
    check = sha256(json.dumps(log, separators=(",", ":")).encode()).hex()
    with open(path, "w", encoding="ascii") as file:
        file.write(json.dumps({"check": check, "file": log}, indent=2) + "\n")


# -- attacks ----------------------------------------------------------------------------------------------------------

ATTACKS = {}


def attack(function):
    ATTACKS[function.__name__.replace("_", "-")] = function
    return function


def other_actor(header):
    header["actor"] = "usr-fedcba9876543210"


def finish(ledger, asked, start):
    """Makes everything after a change fit, as far as the attacker can."""
    ledger.relink(start)
    ledger.rebuild()
    ledger.forget_payloads()
    if asked.seeds:
        ledger.sign(ledger.key_now(asked.seeds))


@attack
def edit(ledger, asked):
    """One entry's bytes, and nothing else."""
    ledger.edit(asked.seq, other_actor)
    ledger.write_entries()


@attack
def edit_and_fit(ledger, asked):
    """One entry, with every hash after it made to fit; signed where the key is known."""
    ledger.edit(asked.seq, other_actor)
    finish(ledger, asked, asked.seq + 1)


@attack
def garble(ledger, asked):
    """One entry becomes something that is no entry."""
    ledger.entries[asked.seq] = b"{" + ledger.entries[asked.seq][1:].replace(b'"', b"'", 1)
    ledger.write_entries()


@attack
def delete(ledger, asked):
    """One entry goes; those after it close up, as they are."""
    del ledger.entries[asked.seq]
    ledger.write_entries()


@attack
def delete_and_fit(ledger, asked):
    """One entry goes, with numbers, links and hashes made to fit; signed where the key is known."""
    del ledger.entries[asked.seq]
    finish(ledger, asked, asked.seq)


@attack
def insert(ledger, asked):
    """A copy of an entry after it; those after it move up, as they are."""
    ledger.entries.insert(asked.seq + 1, ledger.entries[asked.seq])
    ledger.write_entries()


@attack
def insert_and_fit(ledger, asked):
    """An entry that never was, with everything after it made to fit; signed where the key is known."""
    header = ledger.header(asked.seq)
    header.update(kind="consent.granted", payloads=[])
    ledger.entries.insert(asked.seq + 1, encode(header))
    finish(ledger, asked, asked.seq + 1)


@attack
def reorder(ledger, asked):
    """Two neighbours change places, as they are."""
    at = asked.seq
    ledger.entries[at], ledger.entries[at + 1] = ledger.entries[at + 1], ledger.entries[at]
    ledger.write_entries()


@attack
def reorder_and_fit(ledger, asked):
    """Two neighbours change places, with everything made to fit; signed where the key is known."""
    at = asked.seq
    ledger.entries[at], ledger.entries[at + 1] = ledger.entries[at + 1], ledger.entries[at]
    finish(ledger, asked, at)


@attack
def append_unsigned(ledger, asked):
    """An entry more, well linked, under a checkpoint that does not cover it."""
    header = ledger.header(len(ledger.entries) - 1)
    header.update(kind="consent.granted", payloads=[])
    ledger.entries.append(encode(header))
    ledger.relink(len(ledger.entries) - 1)
    ledger.rebuild()


@attack
def append_with_forged_head(ledger, asked):
    """The same, with a head signed by a key of the attacker's own under the log's name."""
    append_unsigned(ledger, asked)
    ledger.sign([Key(ledger.origin, sha256(b"the attacker's own"))])


@attack
def drop_tail(ledger, asked):
    """The entries from --seq on go; tiles and index fit, the head is the true one."""
    del ledger.entries[asked.seq :]
    ledger.rebuild()
    ledger.forget_payloads()


@attack
def drop_tail_and_sign(ledger, asked):
    """The same by an insider, who signs the shorter log."""
    del ledger.entries[asked.seq :]
    ledger.rebuild()
    ledger.forget_payloads()
    keys = ledger.epoch_keys(asked.seeds)
    ledger.sign([keys[-1][1]])


@attack
def drop_tail_to_an_old_head(ledger, asked):
    """The end goes, down to a checkpoint an older copy holds: all signatures are true."""
    old = Ledger(asked.old)
    del ledger.entries[old.size :]
    ledger.rebuild()
    ledger.forget_payloads()
    ledger.set_head(old.size, old.note)
    old.db.close()


@attack
def older_copy(ledger, asked):
    """The database of an earlier day is put back."""
    old = Ledger(asked.old)
    ledger.close()
    copy_database(asked.old, asked.home)
    ledger.note = old.note
    old.db.close()


@attack
def empty(ledger, asked):
    """Every entry goes; the head stays."""
    ledger.entries = []
    ledger.rebuild()
    ledger.forget_payloads()


@attack
def empty_and_sign(ledger, asked):
    """An insider begins the log anew."""
    ledger.entries = []
    ledger.rebuild()
    ledger.forget_payloads()
    ledger.sign([Key(ledger.origin, asked.seeds[0])])


@attack
def replace_database(ledger, asked):
    """Another practice's database in place of this one's."""
    ledger.close()
    copy_database(asked.other, asked.home)


@attack
def replace_database_and_identity(ledger, asked):
    """The same, with the name and key of this log written into it, and this log's head."""
    origin, size, note = ledger.origin, ledger.size, ledger.note
    vkey = ledger.db.execute("SELECT value FROM meta WHERE key = 'vkey'").fetchone()[0]
    ledger.close()
    copy_database(asked.other, asked.home)
    forged = Ledger(asked.home)
    forged.db.execute("UPDATE meta SET value = ? WHERE key = 'origin'", (origin,))
    forged.db.execute("UPDATE meta SET value = ? WHERE key = 'vkey'", (vkey,))
    forged.set_head(size, note)
    forged.close()


@attack
def fork(ledger, asked):
    """An insider goes on from an older copy with other entries, to the same length."""
    size = ledger.size
    ledger.close()
    copy_database(asked.old, asked.home)
    forked = Ledger(asked.home)
    while len(forked.entries) < size:
        header = forked.header(len(forked.entries) - 1)
        header.update(actor="usr-fedcba9876543210", kind="client.viewed", payloads=[], refs={}, facts={})
        forked.entries.append(encode(header))
        forked.relink(len(forked.entries) - 1)
    forked.rebuild()
    forked.sign(forked.key_now(asked.seeds))
    ledger.note = forked.note
    forked.close()


@attack
def backdate(ledger, asked):
    """An insider dates an entry before the one before it."""
    before = millis(ledger.header(asked.seq - 1)["time"])
    ledger.edit(asked.seq, lambda header: header.update(time=written(before - 1)))
    finish(ledger, asked, asked.seq + 1)


@attack
def backdate_before_epoch(ledger, asked):
    """An insider with the newest key dates its last entries before that key began."""
    begun = max(start for start, _ in ledger.epoch_keys(asked.seeds))
    when = millis(ledger.header(begun - 1)["time"])
    for seq in range(asked.seq, len(ledger.entries)):
        ledger.edit(seq, lambda header: header.update(time=written(when - 1)))
    finish(ledger, asked, asked.seq)


@attack
def reset_clock_before_epoch(ledger, asked):
    """The same, with an entry before it that pretends that somebody accepted a clock that was behind."""
    begun = max(start for start, _ in ledger.epoch_keys(asked.seeds))
    when = millis(ledger.header(begun - 1)["time"])
    ledger.edit(asked.seq, lambda header: header.update(kind="clock.reset", refs={}, facts={}, payloads=[]))
    for seq in range(asked.seq, len(ledger.entries)):
        ledger.edit(seq, lambda header: header.update(time=written(when - 1)))
    finish(ledger, asked, asked.seq)


def rotation(ledger, seq, seeds, number, old, new):
    """Has two keys sign that the second begins epoch `number` after entry `seq`."""
    keys = [Key(ledger.origin, seeds[old]), Key(ledger.origin, seeds[new])]
    text = f"provenote/rotate/v1\n{ledger.origin}\n{number}\n{seq + 1}\n{keys[1].vkey()}\n".encode()

    def change(header):
        header["kind"] = ROTATED
        header["facts"].update(epoch=number, from_size=seq + 1, vkey=keys[1].vkey())
        for name, key in zip(("signature_old", "signature_new"), keys):
            header["facts"][name] = base64.b64encode(key.private.sign(text)).decode()

    ledger.edit(seq, change)


@attack
def skip_epoch(ledger, asked):
    """An insider with all keys numbers the last epoch so that one seems to be missing."""
    begun = [start for start, _ in ledger.epoch_keys(asked.seeds)]
    last = len(begun) - 1
    rotation(ledger, begun[last] - 1, asked.seeds, last + 2, last - 1, last)
    finish(ledger, asked, begun[last])


@attack
def hide_epoch(ledger, asked):
    """An insider turns the last rotation into an entry of another kind, and lets the key before it sign everything."""
    begun = [start for start, _ in ledger.epoch_keys(asked.seeds)]

    def change(header):
        header.update(kind="client.viewed", facts={})

    ledger.edit(begun[-1] - 1, change)
    ledger.relink(begun[-1])
    ledger.rebuild()
    ledger.sign([Key(ledger.origin, asked.seeds[len(begun) - 2])])


@attack
def hide_epoch_everywhere(ledger, asked):
    """The same, and the key files forget the epoch too."""
    hide_epoch(ledger, asked)
    rewrite_log_keys(asked.home, lambda log: log["epochs"].pop())


@attack
def steal_epoch(ledger, asked):
    """Somebody without the old key puts a key of their own into the last rotation, and signs with it."""
    begun = [start for start, _ in ledger.epoch_keys(asked.seeds)]
    last = len(begun) - 1
    own = sha256(b"the attacker's own")
    seeds = asked.seeds[:last] + [own]
    # The signature of the old key stays the one there was: it is over another statement.
    kept = ledger.header(begun[last] - 1)["facts"]["signature_old"]
    rotation(ledger, begun[last] - 1, seeds, last + 1, last - 1, last)
    ledger.edit(begun[last] - 1, lambda header: header["facts"].update(signature_old=kept))
    ledger.relink(begun[last])
    ledger.rebuild()
    ledger.sign([Key(ledger.origin, own)])
    vkey = Key(ledger.origin, own).vkey()
    rewrite_log_keys(asked.home, lambda log: log["epochs"][-1].update(vkey=vkey))


@attack
def sign_with_retired_key(ledger, asked):
    """Whoever stole the key before the last signs an altered log with it."""
    ledger.edit(asked.seq, other_actor)
    ledger.relink(asked.seq + 1)
    ledger.rebuild()
    ledger.sign([Key(ledger.origin, asked.seeds[-2])])


@attack
def move_epoch(ledger, asked):
    """The key files say that the last epoch began elsewhere."""
    rewrite_log_keys(asked.home, lambda log: log["epochs"][-1].update(from_size=log["epochs"][-1]["from_size"] + 1))


@attack
def change_tile(ledger, asked):
    """A leaf hash in a tile, its root made to fit: what proofs would be made of."""
    (data,) = ledger.db.execute("SELECT hashes FROM tiles WHERE id = 0").fetchone()
    hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
    hashes[asked.seq] = sha256(b"another entry")
    ledger.db.execute("UPDATE tiles SET hashes = ?, root = ? WHERE id = 0", (b"".join(hashes), root_of(hashes)))


@attack
def hide_from_index(ledger, asked):
    """An entry is not found any more by its kind."""
    header = ledger.header(asked.seq)
    header["refs"] = {}
    (key,) = index_keys(header)
    place = asked.seq % WIDTH
    where = (key, asked.seq // WIDTH)
    (members,) = ledger.db.execute("SELECT members FROM finder WHERE key = ? AND bundle = ?", where).fetchone()
    members = bytearray(members)
    members[place // 8] &= ~(1 << place % 8)
    ledger.db.execute("UPDATE finder SET members = ? WHERE key = ? AND bundle = ?", (bytes(members), *where))


@attack
def swap_ciphertexts(ledger, asked):
    """Two payloads' ciphertexts change places under their names."""
    rows = [payload_row(ledger, ledger.header(seq)["payloads"][0]) for seq in (asked.seq, asked.seq + 1)]
    for (row, _, _, _), (_, _, _, body) in zip(rows, reversed(rows)):
        ledger.db.execute("UPDATE payloads SET body = ? WHERE id = ?", (body, row))


@attack
def swap_ciphertexts_and_fit(ledger, asked):
    """The entries themselves name each other's ciphertexts, wrapped keys and commitments; signed."""
    first, second = ledger.header(asked.seq), ledger.header(asked.seq + 1)
    ours, theirs = first["payloads"][0], second["payloads"][0]
    for field in ("ciphertext", "commitment", "padded_length", "wrapped_key"):
        ours[field], theirs[field] = theirs[field], ours[field]
    for reference in (ours, theirs):
        row = payload_row(ledger, reference)
        ledger.db.execute("UPDATE payloads SET grp = ? WHERE id = ?", (reference["group"], row[0]))
    ledger.entries[asked.seq], ledger.entries[asked.seq + 1] = encode(first), encode(second)
    finish(ledger, asked, asked.seq + 1)


@attack
def break_commitment(ledger, asked):
    """The entry commits to another text than its ciphertext holds; signed."""
    ledger.edit(asked.seq, lambda h: h["payloads"][0].update(commitment=sha256(b"another text").hex()))
    finish(ledger, asked, asked.seq + 1)


@attack
def change_ciphertext(ledger, asked):
    """A byte of a stored ciphertext."""
    row, _, _, body = payload_row(ledger, ledger.header(asked.seq)["payloads"][0])
    body = bytearray(body)
    body[len(body) // 2] ^= 1
    ledger.db.execute("UPDATE payloads SET body = ? WHERE id = ?", (bytes(body), row))


@attack
def change_wrapped_key(ledger, asked):
    """A byte of a wrapped data key."""
    row, _, wrapped, _ = payload_row(ledger, ledger.header(asked.seq)["payloads"][0])
    wrapped = bytearray(wrapped)
    wrapped[20] ^= 1
    ledger.db.execute("UPDATE payloads SET wrapped = ? WHERE id = ?", (bytes(wrapped), row))


@attack
def remove_payload(ledger, asked):
    """A ciphertext goes, its key stays."""
    row, _, _, _ = payload_row(ledger, ledger.header(asked.seq)["payloads"][0])
    ledger.db.execute("DELETE FROM payloads WHERE id = ?", (row,))


@attack
def add_payload(ledger, asked):
    """A payload that no entry speaks of."""
    values = (sha256(b"slipped in"), b"w" * 60, b"slipped in")
    ledger.db.execute("INSERT INTO payloads VALUES (NULL, 0, 'grp-slipped-in', ?, ?, ?)", values)


@attack
def remove_blob(ledger, asked):
    """A large ciphertext goes from its folder."""
    os.remove(os.path.join(asked.home, "blobs", ledger.header(asked.seq)["payloads"][0]["ciphertext"]))


@attack
def change_blob(ledger, asked):
    """A byte of a large ciphertext."""
    path = os.path.join(asked.home, "blobs", ledger.header(asked.seq)["payloads"][0]["ciphertext"])
    with open(path, "r+b") as file:
        file.seek(70_000)
        byte = file.read(1)
        file.seek(70_000)
        file.write(bytes([byte[0] ^ 1]))


@attack
def destroy_unlogged(ledger, asked):
    """A group's key and ciphertext are destroyed, as a lawful destruction does it, without an entry."""
    group = ledger.header(asked.seq)["payloads"][0]["group"]
    os.remove(key_file(asked.home, f"groups/{group}.json"))
    sql = "UPDATE payloads SET destroyed = 1, wrapped = zeroblob(length(wrapped)), body = zeroblob(length(body)) "
    ledger.db.execute(sql + "WHERE grp = ?", (group,))


@attack
def destroy_unused_key(ledger, asked):
    """The key of a group that an entry announces, and under which nothing was sealed yet."""
    refs = ledger.header(asked.seq)["refs"]
    (group,) = [value for value in refs.values() if value.startswith("grp-")]
    os.remove(key_file(asked.home, f"groups/{group}.json"))


@attack
def pretend_destruction(ledger, asked):
    """An insider records a destruction and keeps the key."""
    group = ledger.header(asked.seq)["payloads"][0]["group"]
    header = ledger.header(len(ledger.entries) - 1)
    header.update(kind="record.destroyed", payloads=[], facts={"basis": "RET-09"}, refs={"group": group})
    ledger.entries.append(encode(header))
    finish(ledger, asked, len(ledger.entries) - 1)


@attack
def restore_destroyed_key(ledger, asked):
    """The key of a destroyed group is put back from an older copy of the key files."""
    group = ledger.header(asked.seq)["refs"]["group"]
    shutil.copyfile(key_file(asked.old, f"groups/{group}.json"), key_file(asked.home, f"groups/{group}.json"))


@attack
def replay_checkpoint(ledger, asked):
    """Another practice's checkpoint as this log's head."""
    other = Ledger(asked.other)
    ledger.set_head(other.size, other.note)
    other.db.close()


@attack
def replay_checkpoint_renamed(ledger, asked):
    """The same with this log's name written into it."""
    other = Ledger(asked.other)
    ledger.set_head(other.size, other.note.replace(other.origin, ledger.origin))
    other.db.close()


@attack
def replay_anchor(ledger, asked):
    """Another practice's checkpoint in place of the one beside the keys."""
    other = Ledger(asked.other)
    with open(key_file(asked.home, "anchor"), "w", encoding="utf-8") as file:
        file.write(other.note)
    other.db.close()


@attack
def nothing(ledger, asked):
    """Writes everything anew as it is: proves that this program builds what the other one does."""
    entries, note = list(ledger.entries), ledger.note
    ledger.relink()
    assert entries == ledger.entries, "the entries' encoding"
    ledger.rebuild()
    assert note.startswith(checkpoint(ledger.origin, len(entries), ledger.root())), "the root"
    if asked.seeds:
        ledger.sign(ledger.key_now(asked.seeds))
        # Ed25519 signatures are determined by key and text.
        assert ledger.note == note, "the signature"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("attack", choices=sorted(ATTACKS))
    parser.add_argument("home")
    parser.add_argument("--seq", type=int, default=0, help="the entry")
    parser.add_argument("--seeds", help="a file with the log's seeds, in hexadecimal, one a line")
    parser.add_argument("--old", help="an older copy of the practice")
    parser.add_argument("--other", help="another practice")
    parser.add_argument("--local-anchor", action="store_true", help="the checkpoint beside the keys is replaced too")
    asked = parser.parse_args()
    if asked.seeds:
        with open(asked.seeds, encoding="ascii") as file:
            asked.seeds = [bytes.fromhex(line.strip()) for line in file if line.strip()]
    ledger = Ledger(asked.home)
    ATTACKS[asked.attack](ledger, asked)
    if asked.local_anchor:
        with open(key_file(asked.home, "anchor"), "w", encoding="utf-8") as file:
            file.write(ledger.note)
    try:
        ledger.close()
    except sqlite3.ProgrammingError:
        pass  # Closed by an attack that exchanged the file.
    return 0


if __name__ == "__main__":
    sys.exit(main())
