"use strict";
// Checks an evidence bundle. Nothing is believed but signatures, hashes and proofs, and nothing leaves this page.
// The first thing that is wrong refuses the whole bundle, with a sentence that says what it is.

/** Why a bundle is refused: a sentence for people. */
class Refused extends Error {}

const need = (condition, sentence) => {
  if (!condition) throw new Refused(sentence);
};
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
const join = (...parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};
/** Text of bytes, or null where they are no UTF-8. */
const text = (bytes) => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
};
/** Bytes of standard base64 in its one form, or null. */
const unbase64 = (given) => {
  try {
    const raw = atob(given);
    return btoa(raw) === given ? Uint8Array.from(raw, (c) => c.charCodeAt(0)) : null;
  } catch {
    return null;
  }
};
/** RFC 8785 JSON of a parsed value whose numbers are whole. */
const canonical = (value) => {
  if (Array.isArray(value)) return "[" + value.map(canonical).join(",") + "]";
  if (value !== null && typeof value === "object") {
    return "{" + Object.keys(value).sort().map((key) => JSON.stringify(key) + ":" + canonical(value[key])).join(",") + "}";
  }
  return JSON.stringify(value);
};

// ---- SHA-2 (FIPS 180-4), for the many small hashes of a tree and for browsers without WebCrypto -------------------

const primes = (count) => {
  const found = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime)) found.push(n);
  return found;
};
/** The first `bits` bits of the fraction of a prime's square or cube root. */
const rootFraction = (prime, degree, bits) => {
  const scaled = BigInt(prime) << BigInt(degree * bits);
  let low = 0n;
  let high = 1n << BigInt(bits + 10);
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(degree) <= scaled) low = middle;
    else high = middle;
  }
  return low & ((1n << BigInt(bits)) - 1n);
};
const K256 = Int32Array.from(primes(64), (prime) => Number(rootFraction(prime, 3, 32)) | 0);
const H256 = primes(8).map((prime) => Number(rootFraction(prime, 2, 32)) | 0);
const K512 = primes(80).map((prime) => rootFraction(prime, 3, 64));
const H512 = primes(8).map((prime) => rootFraction(prime, 2, 64));

/** The message, a one bit, zeros, and its length in bits, in whole blocks. */
const padded = (message, block, lengthBytes) => {
  const out = new Uint8Array(Math.ceil((message.length + 1 + lengthBytes) / block) * block);
  out.set(message);
  out[message.length] = 0x80;
  new DataView(out.buffer).setBigUint64(out.length - 8, BigInt(message.length) * 8n);
  return out;
};

const sha256 = (message) => {
  const view = new DataView(padded(message, 64, 8).buffer);
  const state = Int32Array.from(H256);
  const w = new Int32Array(64);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15];
      const b = w[i - 2];
      const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
      const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K256[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] + word) | 0));
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => out.setInt32(4 * i, word));
  return new Uint8Array(out.buffer);
};

const sha512 = (message) => {
  const mask = (1n << 64n) - 1n;
  const turn = (word, by) => ((word >> by) | (word << (64n - by))) & mask;
  const view = new DataView(padded(message, 128, 16).buffer);
  const state = H512.slice();
  const w = [];
  for (let at = 0; at < view.byteLength; at += 128) {
    for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(at + 8 * i);
    for (let i = 16; i < 80; i++) {
      const s0 = turn(w[i - 15], 1n) ^ turn(w[i - 15], 8n) ^ (w[i - 15] >> 7n);
      const s1 = turn(w[i - 2], 19n) ^ turn(w[i - 2], 61n) ^ (w[i - 2] >> 6n);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & mask;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i++) {
      const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n);
      const t1 = h + s1 + ((e & f) ^ (~e & mask & g)) + K512[i] + w[i];
      const s0 = turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [a, b, c, d, e, f, g, h] = [(t1 + t2) & mask, a, b, c, (d + t1) & mask, e, f, g];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i] + word) & mask));
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((word, i) => out.setBigUint64(8 * i, word));
  return new Uint8Array(out.buffer);
};

const subtle = () => (globalThis.crypto && globalThis.crypto.subtle) || null;

/** SHA-256, by the browser where that is faster. */
const digest = async (bytes) =>
  bytes.length > 4096 && subtle() ? new Uint8Array(await subtle().digest("SHA-256", bytes)) : sha256(bytes);

/** HMAC-SHA256 (RFC 2104) under a key of 32 bytes. */
const hmac = async (key, message) => {
  if (subtle()) {
    const imported = await subtle().importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await subtle().sign("HMAC", imported, message));
  }
  return ownHmac(key, message);
};
const ownHmac = (key, message) => {
  const pad = (byte) => Uint8Array.from({ length: 64 }, (_, i) => (key[i] || 0) ^ byte);
  return sha256(join(pad(0x5c), sha256(join(pad(0x36), message))));
};

// ---- Ed25519 (RFC 8032), strictly: one encoding of everything, no point of small order -----------------------------

const P = (1n << 255n) - 19n;
const L = (1n << 252n) + 27742317777372353535851937790883648493n;
const mod = (a, m = P) => ((a % m) + m) % m;
const power = (base, exponent, m = P) => {
  let out = 1n;
  for (let b = mod(base, m); exponent > 0n; exponent >>= 1n, b = (b * b) % m) if (exponent & 1n) out = (out * b) % m;
  return out;
};
const D = mod(-121665n * power(121666n, P - 2n));
const ROOT = power(2n, (P - 1n) / 4n);
const little = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
/** The y of a point whose order divides 8; -y is the other. */
const ORDER8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const SMALL = new Set([0n, 1n, P - 1n, ORDER8, P - ORDER8]);
/** Whether 32 bytes are the one encoding of a y that no point of small order has. */
const soundPoint = (bytes) => {
  const y = little(bytes) & ((1n << 255n) - 1n);
  return y < P && !SMALL.has(y);
};
const unpack = (bytes) => {
  const encoded = little(bytes);
  const y = encoded & ((1n << 255n) - 1n);
  const sign = encoded >> 255n;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * v ** 7n, (P - 5n) / 8n));
  if (mod(v * x * x) !== u) x = mod(x * ROOT);
  if (mod(v * x * x) !== u || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
};
const add = ([x1, y1, z1, t1], [x2, y2, z2, t2]) => {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
};
const times = (point, n) => {
  let out = [0n, 1n, 1n, 0n];
  for (let p = point; n > 0n; n >>= 1n, p = add(p, p)) if (n & 1n) out = add(out, p);
  return out;
};
const BASE = unpack(unhex("5866666666666666666666666666666666666666666666666666666666666666"));

const strictForm = (key, signature) =>
  key.length === 32 && signature.length === 64 && soundPoint(key) && soundPoint(signature.subarray(0, 32)) && little(signature.subarray(32)) < L;

/** [S]B = R + [k]A, without the browser's help. */
const ownEd25519 = (key, message, signature) => {
  if (!strictForm(key, signature)) return false;
  const [a, r] = [unpack(key), unpack(signature.subarray(0, 32))];
  if (!a || !r) return false;
  const k = mod(little(sha512(join(signature.subarray(0, 32), key, message))), L);
  const [x1, y1, z1] = times(BASE, little(signature.subarray(32)));
  const [x2, y2, z2] = add(r, times(a, k));
  return mod(x1 * z2 - x2 * z1) === 0n && mod(y1 * z2 - y2 * z1) === 0n;
};

const ed25519 = async (key, message, signature) => {
  if (!strictForm(key, signature)) return false;
  let imported = null;
  try {
    imported = await subtle().importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return ownEd25519(key, message, signature);
  }
  return subtle().verify("Ed25519", imported, signature, message);
};

// ---- the tree (RFC 6962 section 2.1; proofs as RFC 9162 sections 2.1.3.2 and 2.1.4.2 check them) --------------------

const leafHash = (entry) => sha256(join([0], entry));
const node = (left, right) => sha256(join([1], left, right));
const half = (n) => Math.floor(n / 2);

/** Whether the leaf stands at `index` of the tree of `size` leaves with this root. */
const included = (leaf, index, size, proof, root) => {
  let [fn, sn, r] = [index, size - 1, leaf];
  if (index >= size) return false;
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = node(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      r = node(r, p);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && same(r, root);
};

/** Whether the tree of `first` leaves is the beginning of the tree of `second`. */
const consistent = (first, firstRoot, second, secondRoot, proof) => {
  if (first < 1 || first > second) return false;
  if (first === second) return proof.length === 0 && same(firstRoot, secondRoot);
  let [fn, sn] = [first - 1, second - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  // Where the first tree is complete its root is the place to start from.
  const path = fn === 0 ? [firstRoot, ...proof] : proof;
  if (path.length === 0 || proof.length === 0) return false;
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [node(c, fr), node(c, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      sr = node(sr, c);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && same(fr, firstRoot) && same(sr, secondRoot);
};

// ---- the container: a ZIP file with one possible form ----------------------------------------------------------------

const CRC = Int32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
const crc32 = (bytes) => {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = CRC[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
};
/** Numbers as little-endian bytes: pairs of width and value. */
const fields = (...pairs) => {
  const out = [];
  for (const [width, value] of pairs) for (let i = 0; i < width; i++) out.push(Math.floor(value / 2 ** (8 * i)) & 255);
  return Uint8Array.from(out);
};
const SAFE = /^(?=.{1,200}$)[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** The members by name, in their order. The file is put together again from them: any other byte refuses it. */
const unpackZip = (bytes) => {
  need(bytes.length <= 512 * 2 ** 20, "The file is larger than any bundle (512 MiB).");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const starts = (at) => at + 30 <= bytes.length && view.getUint32(at, true) === 0x04034b50;
  need(starts(0), "This is no evidence bundle: it does not begin as a ZIP file does.");
  const members = new Map();
  const central = [];
  let at = 0;
  while (starts(at)) {
    const [length, crc, nameLength] = [view.getUint32(at + 18, true), view.getUint32(at + 14, true), view.getUint16(at + 26, true)];
    const nameBytes = bytes.subarray(at + 30, at + 30 + nameLength);
    const name = text(nameBytes) || "";
    need(SAFE.test(name) && name.length === nameLength, `The member at byte ${at} has a name that no bundle has; it could lead out of its folder.`);
    need(view.getUint16(at + 8, true) === 0, `The member ${name} is compressed; a bundle's members are stored as they are.`);
    const end = at + 30 + nameLength + length;
    need(end <= bytes.length, "The file is cut off.");
    const data = bytes.subarray(at + 30 + nameLength, end);
    need(crc32(data) === crc, `The member ${name} is damaged: its checksum does not fit.`);
    const common = fields([2, 10], [2, 0], [2, 0], [2, 0], [2, 0x21], [4, crc], [4, length], [4, length], [2, nameLength], [2, 0]);
    need(same(common, bytes.subarray(at + 4, at + 30)), `The header of the member ${name} is not as a bundle has it.`);
    need(!members.has(name) && members.size < 60000, `The member ${name} comes twice, or there are too many.`);
    members.set(name, data);
    central.push(fields([4, 0x02014b50], [2, 10]), common, new Uint8Array(10), fields([4, at]), nameBytes);
    at = end;
  }
  const directory = join(...central);
  const tail = fields([4, 0x06054b50], [4, 0], [2, members.size], [2, members.size], [4, directory.length], [4, at], [2, 0]);
  need(same(join(directory, tail), bytes.subarray(at)), "The directory at the end of the file is not as a bundle has it.");
  return members;
};

// ---- what is written in the members --------------------------------------------------------------------------------------

const HASH = /^[0-9a-f]{64}$/;
const NAME = /^[a-z0-9._-]{1,128}$/;
const WORD = /^[A-Za-z0-9._:+\/@,=-]{1,128}$/;
const MEDIA = /^[A-Za-z0-9._:+\/@,=;-]{1,128}$/;
const isCount = (n) => Number.isSafeInteger(n) && n >= 0;
const isTime = (t) => typeof t === "string" && /^\d{4}-.{18}Z$/.test(t) && !Number.isNaN(Date.parse(t)) && new Date(t).toISOString() === t;
const keysAre = (value, keys) => value !== null && typeof value === "object" && Object.keys(value).sort().join() === keys;

/** A JSON text in its canonical form, or null. */
const parseCanonical = (bytes) => {
  const given = text(bytes);
  try {
    const value = JSON.parse(given);
    return canonical(value) === given ? value : null;
  } catch {
    return null;
  }
};

/** An entry's header in its one form. */
const readHeader = (bytes, seq) => {
  const wrong = `Entry ${seq} is not in the form an entry has.`;
  need(bytes.length <= 65535, wrong);
  const h = parseCanonical(bytes);
  need(keysAre(h, "actor,facts,kind,payloads,prev,refs,seq,time,v") && h.v === 1 && h.seq === seq, wrong);
  need(WORD.test(h.actor) && NAME.test(h.kind) && HASH.test(h.prev) && isTime(h.time) && Array.isArray(h.payloads), wrong);
  const fits = (object, value) => object !== null && typeof object === "object" && Object.entries(object).every(([k, v]) => NAME.test(k) && value(v));
  need(fits(h.refs, (v) => typeof v === "string" && WORD.test(v)), wrong);
  need(fits(h.facts, (v) => typeof v === "boolean" || Number.isSafeInteger(v) || (typeof v === "string" && WORD.test(v))), wrong);
  for (const p of h.payloads) {
    need(keysAre(p, "ciphertext,class,commitment,group,media_type,name,padded_length,scope,wrapped_key"), wrong);
    need([p.ciphertext, p.commitment, p.wrapped_key].every((v) => HASH.test(v)) && isCount(p.padded_length), wrong);
    need([p.class, p.name].every((v) => NAME.test(v)) && [p.scope, p.group].every((v) => WORD.test(v)) && MEDIA.test(p.media_type), wrong);
  }
  return h;
};

/** A C2SP vkey of one signature type, or null: name, id as eight hexadecimal digits, key. */
const readVkey = (vkey, type) => {
  const [, name, id, material] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) || [];
  const bytes = material ? unbase64(material) : null;
  if (!bytes || bytes.length !== 33 || bytes[0] !== type) return null;
  const expected = hex(sha256(join(utf8(name + "\n"), bytes)).subarray(0, 4));
  return expected === id && soundPoint(bytes.subarray(1)) ? { name, id, key: bytes.subarray(1), vkey } : null;
};

/** A C2SP checkpoint: its text, origin, size, root and signature lines. */
const readCheckpoint = (note) => {
  const wrong = "The checkpoint is not in the form a checkpoint has.";
  const parts = /^(([^\n]+)\n(0|[1-9][0-9]{0,15})\n([^\n]{44})\n)\n((?:— [^\s+]+ [^\s]+\n)+)$/.exec(note || "");
  need(parts, wrong);
  const [, body, origin, size, root, lines] = parts;
  const rootBytes = unbase64(root);
  need(rootBytes && rootBytes.length === 32 && Number.isSafeInteger(Number(size)), wrong);
  const signatures = lines.trimEnd().split("\n").map((line) => {
    const [, name, encoded] = line.split(" ");
    const bytes = unbase64(encoded);
    need(bytes && bytes.length > 4, wrong);
    return { name, id: hex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
  });
  return { text: body, origin, size: Number(size), root: rootBytes, signatures };
};

/** A C2SP tlog-policy: the log's vkeys, the witnesses by name, and who must agree. */
const readPolicy = (policy) => {
  const wrong = "The witness policy cannot be read.";
  need(policy !== null && /^[\t\n\x20-\x7e\x80-\uffff]*$/.test(policy), wrong);
  const [logs, witnesses, groups] = [[], new Map(), new Map()];
  let quorum = null;
  const known = (name) => witnesses.has(name) || groups.has(name);
  for (const line of policy.split("\n")) {
    const [word, ...rest] = line.split(/[ \t]+/).filter((part) => part);
    if (word === undefined || word.startsWith("#")) continue;
    if (word === "log") logs.push(rest[0]);
    else if (word === "witness") {
      need(rest.length >= 2 && !known(rest[0]) && rest[0] !== "none", wrong);
      witnesses.set(rest[0], readVkey(rest[1], 4));
    } else if (word === "group") {
      const [name, count, ...of] = rest;
      const k = count === "any" ? 1 : count === "all" ? of.length : Number(count);
      need(of.length > 0 && of.every(known) && !known(name) && name !== "none" && k >= 1 && k <= of.length, wrong);
      groups.set(name, { k, of });
    } else {
      need(word === "quorum" && rest.length === 1 && quorum === null && (rest[0] === "none" || known(rest[0])), wrong);
      quorum = rest[0];
    }
  }
  need(quorum !== null, wrong);
  const agrees = (name, who) => {
    const group = groups.get(name);
    return group ? group.of.filter((member) => agrees(member, who)).length >= group.k : who.has(name);
  };
  return { logs, witnesses, met: (who) => quorum === "none" || agrees(quorum, who) };
};

/** The time of a cosignature (C2SP tlog-cosignature, type 0x04) that holds, or null. */
const cosigned = async (checkpoint, line, key) => {
  if (line.bytes.length !== 72) return null;
  const seconds = new DataView(line.bytes.buffer, line.bytes.byteOffset).getBigUint64(0);
  const message = utf8(`cosignature/v1\ntime ${seconds}\n${checkpoint.text}`);
  return seconds < 2n ** 63n && (await ed25519(key, message, line.bytes.subarray(8))) ? Number(seconds) : null;
};

const ENDINGS = { "application/json": "json", "application/pdf": "pdf", "image/png": "png", "text/plain": "txt" };
const payloadFile = (seq, p) => `payloads/${seq}-${p.name}.${ENDINGS[p.media_type.split(";")[0]] || "bin"}`;

/** Follows the practice's keys from the first to the last: each is announced in an entry that old and new key signed. */
const followKeys = async (manifest, headers) => {
  const epochs = [];
  for (const told of manifest.keys) {
    const key = readVkey(told.vkey, 1);
    need(key && key.name === manifest.origin, `Key ${told.epoch} is no key of this log.`);
    const before = epochs[epochs.length - 1];
    let trustedTo = null;
    if (!before) {
      need(told.epoch === 1 && told.from_size === 0, "The first of the practice's keys is missing.");
    } else {
      const header = headers.get(told.from_size - 1);
      const facts = (header && header.kind === "log.key_rotated" && header.facts) || {};
      const fits = facts.epoch === told.epoch && told.epoch === before.epoch + 1 && facts.from_size === told.from_size && facts.vkey === told.vkey;
      need(fits && told.from_size > before.fromSize, `The entry that announces key ${told.epoch} is missing or names another key.`);
      const statement = utf8(`provenote/rotate/v1\n${manifest.origin}\n${told.epoch}\n${told.from_size}\n${told.vkey}\n`);
      const [old, fresh] = [unbase64(String(facts.signature_old)), unbase64(String(facts.signature_new))];
      const signed = old && fresh && (await ed25519(before.key, statement, old)) && (await ed25519(key.key, statement, fresh));
      need(signed, `Key ${told.epoch} was not handed on by the key before it.`);
      if (facts.compromised_after !== undefined) {
        need(isCount(facts.compromised_after) && facts.compromised_after < told.from_size, `The entry that announces key ${told.epoch} contradicts itself.`);
        for (const earlier of epochs) earlier.trustedTo = Math.min(earlier.trustedTo ?? Infinity, facts.compromised_after);
      }
    }
    epochs.push({ ...key, epoch: told.epoch, fromSize: told.from_size, trustedTo });
  }
  const announced = [...headers.values()].filter((header) => header.kind === "log.key_rotated").length;
  need(epochs.length === announced + 1, "The list of keys is not the one the entries announce.");
  return epochs;
};

/** A note's attestation or amendment that is shown: true where its signature holds, null where there is none. */
const attested = async (header, shown, signers) => {
  const wrong = `The clinician's signature in entry ${header.seq} does not hold.`;
  const payload = (name) => shown.get(`${header.seq} ${name}`);
  let [message, signature] = [null, null];
  if (header.kind === "note.attested" && payload("attestation")) {
    const record = parseCanonical(payload("attestation").data);
    need(record && record.attestation && typeof record.signature === "string", wrong);
    const { attestation } = record;
    need(attestation.user === header.actor && attestation.note === header.refs.note, wrong);
    if (payload("text")) {
      need(attestation.text === hex(await digest(payload("text").data)), `The clinician's signature in entry ${header.seq} is of another text.`);
    }
    [message, signature] = [utf8(canonical(attestation)), record.signature];
  } else if (header.kind === "note.amended" && payload("amendment") && payload("signature")) {
    [message, signature] = [payload("amendment").data, text(payload("signature").data) || ""];
  } else {
    return null;
  }
  const key = signers.get(header.actor);
  need(key && /^[0-9a-f]{128}$/.test(signature) && (await ed25519(key, message, unhex(signature))), wrong);
  return true;
};

const strings = (object, keys) => keys.every((key) => typeof object[key] === "string");

/** The manifest in its one form, as far as this page relies on it. */
const readManifest = (bytes) => {
  const wrong = "The manifest is not in the form a manifest has.";
  need(bytes && bytes.length <= 32 * 2 ** 20, "The file has no manifest: it is no evidence bundle.");
  const m = parseCanonical(bytes);
  need(keysAre(m, "created,disclosed,earlier,entries,files,format,keys,left_out,origin,scope,withheld"), wrong);
  need(m.format === "provenote-bundle/1", "The bundle is of another format than this page reads.");
  const ascends = (list) => Array.isArray(list) && list.every((n, i) => isCount(n) && (i === 0 || list[i - 1] < n));
  need(ascends(m.entries) && m.entries.length > 0 && m.entries.length <= 20000 && ascends(m.earlier), wrong);
  need([m.keys, m.disclosed, m.withheld, m.left_out].every(Array.isArray) && strings(m, ["origin", "created"]), wrong);
  need(m.keys.every((k) => k && keysAre(k, "epoch,from_size,vkey") && isCount(k.from_size) && strings(k, ["vkey"])), wrong);
  need(m.disclosed.every((d) => keysAre(d, "file,key,name,seq") && HASH.test(d.key) && strings(d, ["file", "name"])), wrong);
  need(m.withheld.every((w) => w && isCount(w.seq) && strings(w, ["name", "class", "reason", "why"])), wrong);
  need(m.left_out.every((l) => keysAre(l, "seq,why") && isCount(l.seq) && strings(l, ["why"])), wrong);
  need(m.scope && typeof m.scope === "object" && m.files && typeof m.files === "object", wrong);
  return m;
};

/** Checks a bundle. Returns what it holds, or throws {@link Refused}. */
const checkBundle = async (bytes) => {
  const members = unpackZip(bytes);
  const manifest = readManifest(members.get("manifest.json"));
  const listed = new Set(manifest.entries.map((seq) => `entries/${seq}.json`));
  const others = [...members.keys()].filter((name) => name.startsWith("entries/") && !listed.has(name));
  const created = others.length === 1 && /^entries\/(0|[1-9][0-9]*)\.json$/.test(others[0]) ? Number(others[0].slice(8, -5)) : NaN;
  need(created > manifest.entries[manifest.entries.length - 1], "The entry that records the making of this bundle is missing.");
  const all = [...manifest.entries, created];
  const expected = [
    ...["README.txt", "verify.html", "verify.py", "manifest.json", "checkpoint", "policy"],
    ...("report.pdf" in manifest.files ? ["report.pdf"] : []),
    ...manifest.earlier.map((size) => `consistency/${size}.txt`),
    ...all.map((seq) => `entries/${seq}.json`),
    ...all.map((seq) => `proofs/${seq}.tlog-proof`),
    ...manifest.disclosed.map((shown) => shown.file),
  ];
  const names = [...members.keys()];
  const astray = expected.length >= names.length ? expected.find((name, i) => names[i] !== name) : names.find((name, i) => expected[i] !== name);
  need(astray === undefined, `The member ${astray} is missing, too many, or not in its place.`);

  const named = Object.keys(manifest.files).sort().filter((name) => name !== "report.pdf").join();
  need(named === "README.txt,policy,verify.html,verify.py", "The manifest does not give the digests it should.");
  for (const [name, sha256Hex] of Object.entries(manifest.files)) {
    need(hex(await digest(members.get(name))) === sha256Hex, `${name} is not the file the practice put in.`);
  }

  const headers = new Map();
  for (const seq of all) {
    const header = readHeader(members.get(`entries/${seq}.json`), seq);
    const before = members.get(`entries/${seq - 1}.json`);
    need(!before || hex(leafHash(before)) === header.prev, `Entry ${seq} does not follow entry ${seq - 1}.`);
    headers.set(seq, header);
  }
  const maker = headers.get(created);
  const manifestDigest = hex(await digest(members.get("manifest.json")));
  need(maker.kind === "bundle.created" && maker.facts.manifest === manifestDigest, "The manifest is not the one the practice recorded when it made this bundle.");

  const epochs = await followKeys(manifest, headers);
  const note = text(members.get("checkpoint"));
  const checkpoint = readCheckpoint(note);
  const last = epochs[epochs.length - 1];
  need(checkpoint.origin === manifest.origin, "The checkpoint is of another log.");
  need(checkpoint.size > created && checkpoint.size >= last.fromSize, "The checkpoint is older than the bundle or its last key.");
  const policy = readPolicy(text(members.get("policy")));
  need(policy.logs.length === 1 && policy.logs[0] === last.vkey, "The witness policy is not for the key that signed the checkpoint.");
  const cosignatures = new Map();
  const seen = new Set();
  for (const [index, line] of checkpoint.signatures.entries()) {
    const unknown = `Signature ${index + 1} under the checkpoint is of nobody the bundle names.`;
    need(!seen.has(line.name + line.id), unknown);
    seen.add(line.name + line.id);
    if (index === 0) {
      need(line.name === last.name && line.id === last.id, "The checkpoint is not signed by the practice's key.");
      need(await ed25519(last.key, utf8(checkpoint.text), line.bytes), "The practice's signature under the checkpoint does not hold.");
      continue;
    }
    const witness = [...policy.witnesses].find(([, key]) => key && key.name === line.name && key.id === line.id);
    need(witness, unknown);
    const seconds = await cosigned(checkpoint, line, witness[1].key);
    need(seconds !== null, `The signature of the witness ${witness[0]} does not hold.`);
    cosignatures.set(witness[0], seconds);
  }
  need(policy.met(new Set(cosignatures.keys())), "Fewer witnesses signed the checkpoint than the policy asks for.");

  for (const seq of all) {
    const wrong = `Entry ${seq} is not proved to stand in the practice's log.`;
    const proof = text(members.get(`proofs/${seq}.tlog-proof`)) || "";
    const start = `c2sp.org/tlog-proof@v1\nindex ${seq}\n`;
    const end = `\n${note}`;
    need(proof.startsWith(start) && proof.endsWith(end), wrong);
    const lines = proof.slice(start.length, proof.length - end.length).split("\n");
    need(lines.pop() === "" && lines.length <= 64, wrong);
    const hashes = lines.map(unbase64);
    need(hashes.every((hash) => hash && hash.length === 32), wrong);
    need(included(leafHash(members.get(`entries/${seq}.json`)), seq, checkpoint.size, hashes, checkpoint.root), wrong);
  }

  const shown = new Map();
  const spoken = new Set();
  for (const d of manifest.disclosed) {
    const found = ((headers.get(d.seq) || {}).payloads || []).filter((p) => p.name === d.name);
    const wrong = `“${d.name}” of entry ${d.seq} is not the text that was sealed.`;
    need(found.length === 1 && d.file === payloadFile(d.seq, found[0]) && !spoken.has(`${d.seq} ${d.name}`), wrong);
    const data = members.get(d.file);
    need(hex(await hmac(unhex(d.key), data)) === found[0].commitment, wrong);
    spoken.add(`${d.seq} ${d.name}`);
    shown.set(`${d.seq} ${d.name}`, { ...found[0], seq: d.seq, file: d.file, data });
  }
  for (const w of manifest.withheld) {
    const wrong = `“${w.name}” of entry ${w.seq} is listed as withheld, and there is no such text, or it is listed twice.`;
    const payload = ((headers.get(w.seq) || {}).payloads || []).find((p) => p.name === w.name);
    need(payload && payload.class === w.class && !spoken.has(`${w.seq} ${w.name}`), wrong);
    spoken.add(`${w.seq} ${w.name}`);
    const receipt = headers.get(w.destroyed_by);
    const says = receipt && receipt.kind === "record.destroyed" && receipt.refs.group === payload.group;
    need(w.destroyed_by === undefined || says, `“${w.name}” of entry ${w.seq} is said to be destroyed, and no entry says so.`);
  }
  const signers = new Map();
  for (const header of headers.values()) {
    for (const p of header.payloads) need(spoken.has(`${header.seq} ${p.name}`), `“${p.name}” of entry ${header.seq} is neither shown nor listed as withheld.`);
    if (header.kind === "user.added" && HASH.test(header.facts.sign_key)) signers.set(header.refs.user, unhex(header.facts.sign_key));
  }
  let attestations = 0;
  for (const header of headers.values()) if (await attested(header, shown, signers)) attestations += 1;

  const earlier = new Map();
  for (const size of manifest.earlier) {
    const wrong = `The log is not proved to have only grown since it had ${size} entries.`;
    const lines = (text(members.get(`consistency/${size}.txt`)) || "").split("\n");
    need(lines.shift() === "provenote-consistency/1" && lines.shift() === String(size) && lines.pop() === "", wrong);
    const hashes = lines.map(unbase64);
    need(hashes.length > 0 && hashes.length <= 130 && hashes.every((hash) => hash && hash.length === 32), wrong);
    need(consistent(size, hashes[0], checkpoint.size, checkpoint.root, hashes.slice(1)), wrong);
    earlier.set(size, hashes[0]);
  }
  return { manifest, headers, shown, created, checkpoint, epochs, cosignatures, attestations, earlier, members };
};

/** Holds a key or a checkpoint from elsewhere against a bundle that was checked. Returns a sentence, or throws. */
const compare = async (bundle, given) => {
  const own = given.replace(/\r\n/g, "\n").trim();
  if (!own.includes("\n")) {
    const found = bundle.epochs.find((epoch) => epoch.vkey === own);
    need(found, "This is none of the keys of this bundle: the bundle is another practice's, or somebody made it up.");
    return "This is the key that signed this bundle, or an earlier one of the same log.";
  }
  // Copied from paper or mail, empty lines come and go.
  const lines = own.split("\n").map((line) => line.trim()).filter((line) => line);
  const anchor = readCheckpoint([...lines.slice(0, 3), "", ...lines.slice(3), ""].join("\n"));
  need(anchor.origin === bundle.checkpoint.origin, "This checkpoint is of another log.");
  const epoch = bundle.epochs.filter((e) => e.fromSize <= anchor.size).pop();
  const line = anchor.signatures.find((s) => s.name === epoch.name && s.id === epoch.id);
  need(line && (await ed25519(epoch.key, utf8(anchor.text), line.bytes)), "This checkpoint is not signed by this practice's key.");
  need(epoch.trustedTo === null || anchor.size <= epoch.trustedTo, "This checkpoint is signed by a key that may have been in other hands by then.");
  const root = anchor.size === bundle.checkpoint.size ? bundle.checkpoint.root : bundle.earlier.get(anchor.size);
  if (!root) {
    return `This checkpoint of ${anchor.size} entries is signed by this practice, but the bundle holds no proof that leads from it to its own. Ask the practice for a bundle made with your checkpoint.`;
  }
  need(same(root, anchor.root), `This checkpoint and the bundle disagree about the first ${anchor.size} entries: the log was rewritten, or the practice keeps two.`);
  return `The bundle's log continues the one of this checkpoint: nothing of its first ${anchor.size} entries was changed since.`;
};
