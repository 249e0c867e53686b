"use strict";
// Shows what a bundle says, in words. Whatever comes out of a bundle is put on the page as text, never as markup.

const KINDS = {
  "practice.created": "The practice was set up on this computer",
  "practice.configured": "A setting of the practice was set or changed",
  "user.added": "A user with keys of their own was added",
  "user.unlocked": "A user unlocked their keys for a limited time",
  "user.locked": "A user locked their keys again",
  "user.refused": "A passphrase did not fit",
  "user.recovered": "A lost passphrase was replaced with the recovery code",
  "user.invited": "A user was invited, with keys that are replaced when the invitation is redeemed",
  "user.changed": "A user’s role or the end of their account was changed",
  "user.removed": "A user was removed, and what is written from then on has keys they never had",
  "user.signed_in": "A user signed in",
  "user.expired": "A user’s keys were forgotten after nobody had used them for a while",
  "user.delayed": "A user has to wait after too many failed attempts to sign in",
  "user.supervision": "Whose work a supervisor answers for was changed",
  "office.keyed": "The key of all who open one class of records of every client was made or replaced",
  "access.refused": "Somebody asked for what they may not do, and was refused",
  "access.explained": "A decision about access was explained",
  "access.reviewed": "A person reviewed who read what, and signed it off",
  "policy.changed": "The practice’s own rules of access were changed",
  "grant.requested": "Somebody asked for access for a limited time",
  "grant.approved": "Access for a limited time was given",
  "grant.denied": "Access for a limited time was denied",
  "grant.revoked": "Access for a limited time was taken back before its end",
  "grant.taken": "Somebody took access at once in an emergency",
  "grant.reviewed": "Emergency access was reviewed by somebody else",
  "grant.ended": "Access for a limited time was over, and its key was destroyed",
  "emergency.prepared": "The emergency key was made anew, its code printed for a sealed envelope",
  "factor.enrolled": "A user gave themselves a second factor",
  "factor.used": "A code of a second factor was used up",
  "factor.reset": "A user’s second factor was taken away",
  "device.enrolled": "A device asked to be known to the practice",
  "device.approved": "A device was approved",
  "device.revoked": "A device is no longer known to the practice",
  "place.changed": "From which networks and countries people may work was changed",
  "recovery.printed": "A recovery kit was made",
  "log.key_rotated": "The ledger was given a new key, signed for by the old one",
  "clock.reset": "The clock ran behind the ledger, and the user accepted it",
  "client.added": "A client’s file was opened",
  "client.changed": "Who takes part in a client’s sessions was changed",
  "client.assigned": "Somebody treats a client from then on",
  "client.unassigned": "Somebody treats a client no longer",
  "client.viewed": "Somebody looked at a client’s identity",
  "client.destroyed": "Everything of a client was destroyed",
  "consent.requested": "A consent form was made",
  "consent.printed": "A consent form was printed",
  "consent.offered": "A form was put before a participant",
  "consent.discussed": "The form was talked through aloud",
  "consent.spoken": "The clinician stated that a participant said yes aloud",
  "consent.granted": "A participant signed",
  "consent.declined": "A participant said no",
  "consent.revoked": "A participant took a consent back",
  "consent.exported": "A consent was handed out as a file",
  "consent.imported": "A consent made elsewhere was read; it opens nothing",
  "session.recorded": "A recording passed the consent gate and was sealed",
  "session.refused": "A recording was refused: consent was not in force",
  "session.dictated": "The clinician dictated instead of recording",
  "worker.started": "A model’s program was started and checked",
  "worker.failed": "A model’s program failed or was stopped",
  "transcription.requested": "A recording was handed to the speech model",
  "transcript.received": "The speech model gave a transcript",
  "transcript.viewed": "Somebody read a transcript",
  "prompt.sent": "A language model was asked",
  "output.received": "The language model answered",
  "draft.made": "A draft was made of the answer",
  "draft.refused": "A draft was refused: consent was not in force",
  "note.viewed": "Somebody read a draft or a note",
  "note.edited": "The clinician changed a draft",
  "note.attested": "The clinician attested: the draft became a note",
  "note.amended": "The clinician added to a note",
  "note.exported": "A note was handed out as a file",
  "note.printed": "A note was printed",
  "note.forwarded": "A note was sent to somebody outside the practice",
  "claim.changed": "What a claim needs was entered or changed",
  "claim.viewed": "Somebody saw what a claim needs",
  "release.made": "A person confirmed a text without identifiers",
  "release.viewed": "Somebody read a text without identifiers",
  "records.searched": "Somebody searched the records",
  "openings.viewed": "Somebody saw who opened a client’s file",
  "disclosure.recorded": "Something of a client was disclosed outside the practice",
  "disclosure.accounted": "The accounting of a client’s disclosures was made",
  "hold.placed": "Records are held back from destruction",
  "hold.lifted": "Records are no longer held back from destruction",
  "incident.recorded": "A security incident was opened, assessed or closed",
  "trail.exported": "The audit trail left as a file",
  "trail.sealed": "The oldest part of the ledger was sealed off into an archive",
  "note.traced": "Somebody traced what is behind a note",
  "ledger.viewed": "Somebody looked at an entry of the ledger",
  "record.destroyed": "Keys and sealed texts were destroyed",
  "backup.created": "A backup was made",
  "backup.verified": "A backup was checked",
  "backup.restored": "The practice was restored from a backup",
  "witness.added": "A witness is asked from now on to sign for the ledger’s state",
  "witness.removed": "A witness is no longer asked",
  "report.made": "A report was made",
  "bundle.created": "An evidence bundle was made for somebody outside",
  "model.added": "A model was added to the catalogue",
  "vendor.added": "A company outside the practice gets sound or words from now on",
  "vendor.removed": "A company outside the practice gets nothing any more",
  "vendor.answered": "Somebody answered a question of the audit of a company",
  "vendor.agreement_reviewed": "An agreement with a company was read and reviewed",
  "vendor.audited": "A company, or the practice’s own pipeline, was audited",
  "terms.tracked": "A document of a company’s terms is watched from now on",
  "terms.untracked": "A document of a company’s terms is no longer watched",
  "terms.asked": "The network was used to ask for companies’ terms",
  "terms.checked": "A company’s terms were fetched and compared with the version before, or could not be",
  "terms.settled": "Somebody said why a company’s worsened terms do not touch its clients: consents from before hold again",
  "terms.imported": "Versions of a company’s terms that others had kept were read in",
};

const PAYLOADS = {
  practice: "The practice",
  name: "The user’s name",
  client: "The client’s file",
  form: "The consent form, word for word",
  grant: "A participant’s signature",
  signature: "The signature",
  pdf: "The printed form",
  offer: "Which form was put before whom",
  discussion: "What was talked through, and what was asked",
  verbal: "A yes said aloud, as the clinician states",
  refusal: "What somebody said no to",
  withdrawal: "What somebody took back",
  effects: "What the withdrawal does to what was there",
  words: "What was said",
  export: "The file handed out",
  import: "The document that was read",
  vendor: "The company",
  answer: "An answer of the audit, with what shows it",
  evidence: "A file that shows it",
  agreement: "The agreement",
  review: "The review of the agreement",
  audit: "The audit",
  terms: "Which terms are watched, where",
  check: "Which terms were asked for where, and what changed",
  addresses: "The addresses that were asked",
  version: "The words of the terms",
  steps: "What changed between the versions read in",
  statement: "What was said",
  transcript: "The transcript",
  heard: "What the speech model gave",
  prompt: "What the language model was asked",
  output: "What the language model answered",
  draft: "The draft",
  text: "The note’s text as it then was",
  claim: "What a claim needs",
  released: "The text without identifiers, as it was released",
  making: "How the text without identifiers was made: what leads back from it",
  confirmation: "Who confirmed the text without identifiers, and in which words",
  roster: "Names that texts about the client are cleaned of",
  difference: "What the clinician changed",
  attestation: "The clinician’s attestation",
  amendment: "What the clinician added",
  session: "About the recording",
  audio: "The recording",
  file_sha256: "The digest of the file handed out",
};

const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
};
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;
const when = (time) =>
  `${new Date(time).toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" })}, ${time.slice(11, 19)}`;
const facts = (pairs) => make("dl", {}, ...pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

const scopeInWords = (scope) => (scope.kind === "period" ? `everything recorded from ${scope.from} to ${scope.to}` : `${scope.kind} ${scope.id}`);
const titleOf = (name) => PAYLOADS[name] || `“${name}”`;

/** Names of users, where the bundle shows them. */
const usersOf = ({ headers, shown }) => {
  const users = new Map();
  for (const header of headers.values()) {
    const name = ["user.added", "user.invited"].includes(header.kind) && shown.get(`${header.seq} name`);
    if (name) users.set(header.refs.user, text(name.data));
  }
  return users;
};

/** A disclosed text as people read it. */
const readable = (payload) => {
  const link = (label) => {
    const address = URL.createObjectURL(new Blob([payload.data], { type: payload.media_type }));
    return make("p", {}, make("a", { href: address, download: payload.file.split("/").pop() }, label));
  };
  if (payload.media_type === "image/png") {
    return make("img", { src: URL.createObjectURL(new Blob([payload.data], { type: "image/png" })), alt: `${titleOf(payload.name)} of entry ${payload.seq}, a picture` });
  }
  const words = text(payload.data);
  if (words === null || !/^(text\/plain|application\/json)/.test(payload.media_type)) {
    return link(`Save this file (${payload.data.length} bytes)`);
  }
  let record = null;
  try {
    record = payload.media_type.startsWith("application/json") ? JSON.parse(words) : null;
  } catch {
    record = null;
  }
  if (/^[0-9a-f]{128}$/.test(words)) return make("p", {}, "A signature over what the clinician added. It was checked.");
  if (record === null || typeof record !== "object") return make("pre", { class: "words" }, words);
  if (Array.isArray(record.sections)) {
    const sections = record.sections.flatMap((section) => [
      make("h3", {}, String(section.name)),
      // A released text has its sentences alone; a note has marks beside them.
      ...(section.sentences || []).map((sentence) => make("p", {}, typeof sentence === "string" ? sentence : String(sentence.text))),
    ]);
    return make("div", {}, ...sections);
  }
  if (Array.isArray(record.segments)) {
    return make("div", {}, ...record.segments.map((segment) => make("p", {}, String(segment.text))));
  }
  if (record.attestation && record.attestation.statement) {
    const { statement, time, user } = record.attestation;
    return make("div", {}, make("p", {}, String(statement)), make("p", { class: "soft" }, `${time} (UTC), ${user}. The signature was checked.`));
  }
  if (typeof record.text === "string") return make("pre", { class: "words" }, record.text);
  if (typeof record.prompt === "string") return make("pre", {}, record.prompt);
  const flat = Object.values(record).every((value) => value === null || typeof value !== "object");
  if (flat) return facts(Object.entries(record).map(([name, value]) => [name.replaceAll("_", " "), value === null ? "not given" : String(value)]));
  return make("pre", {}, JSON.stringify(record, null, 2));
};

const timeline = (bundle, users) => {
  const { headers, shown, manifest } = bundle;
  const withheld = new Map(manifest.withheld.map((w) => [`${w.seq} ${w.name}`, w]));
  const rows = [...headers.values()].map((header) => {
    const of = header.payloads.map((payload) => {
      const known = shown.has(`${header.seq} ${payload.name}`);
      const held = withheld.get(`${header.seq} ${payload.name}`);
      const link = make("a", { href: `#p-${header.seq}-${payload.name}` }, titleOf(payload.name));
      return make("div", {}, known ? link : make("span", { class: "soft" }, `${titleOf(payload.name)}: ${held.reason === "destroyed" ? "destroyed" : "held back"}`));
    });
    const told = [...Object.entries(header.refs), ...Object.entries(header.facts)].map(([name, value]) => [name, String(value)]);
    const more = told.length ? make("details", {}, make("summary", {}, "Details"), facts(told)) : null;
    const who = users.get(header.actor);
    return make(
      "tr",
      {},
      make("td", { class: "number" }, String(header.seq)),
      make("td", { class: "when" }, when(header.time)),
      make("td", {}, KINDS[header.kind] || header.kind, ...of, more),
      make("td", { class: "who" }, who ? who : make("code", {}, header.actor)),
    );
  });
  const head = make("tr", {}, ...["No.", "When (UTC)", "What happened", "Who"].map((title) => make("th", { scope: "col" }, title)));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
};

const texts = (bundle) =>
  [...bundle.shown.values()].map((payload) => {
    const header = bundle.headers.get(payload.seq);
    const about = `Entry ${payload.seq}, ${when(header.time)} UTC: ${KINDS[header.kind] || header.kind}. This is exactly what was sealed then.`;
    return make("article", { id: `p-${payload.seq}-${payload.name}` }, make("h3", {}, titleOf(payload.name)), make("p", { class: "soft" }, about), readable(payload));
  });

const heldBack = ({ manifest }) => {
  const parts = [];
  if (manifest.withheld.length) {
    const head = make("tr", {}, ...["Entry", "What", "Why"].map((title) => make("th", { scope: "col" }, title)));
    const rows = manifest.withheld.map((w) => {
      const basis = w.citation ? make("div", { class: "soft" }, `${w.citation} [${w.verification || "not checked"}]`) : null;
      return make("tr", {}, make("td", { class: "number" }, String(w.seq)), make("td", {}, titleOf(w.name)), make("td", {}, w.why, basis));
    });
    parts.push(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  } else {
    parts.push(make("p", {}, "Nothing that belongs to these entries is held back."));
  }
  for (const left of manifest.left_out) parts.push(make("p", {}, `Entry ${left.seq} is not in the bundle: ${left.why}`));
  return parts;
};

const comparing = (bundle) => {
  const answer = make("p", { id: "answer", "aria-live": "polite" });
  const field = make("textarea", { id: "own", "aria-describedby": "answer", spellcheck: "false" });
  field.addEventListener("input", async () => {
    const given = field.value;
    let [sentence, kind] = ["", ""];
    if (given.trim()) {
      try {
        [sentence, kind] = [await compare(bundle, given), "good-text"];
      } catch (error) {
        [sentence, kind] = [error instanceof Refused ? error.message : "This is neither a key nor a checkpoint.", "bad-text"];
      }
    }
    if (field.value === given) {
      answer.textContent = sentence;
      answer.className = kind;
    }
  });
  return make(
    "section",
    { class: "compare" },
    make("h2", {}, "Is it this practice’s?"),
    make("p", {}, "The bundle cannot tell whose key signed it. If you have a consent form or an earlier file of the practice, copy its key (one line) or its checkpoint (several lines) into this field."),
    make("label", { for: "own" }, "Key or checkpoint from elsewhere"),
    field,
    answer,
  );
};

const passed = (bundle, name) => {
  const { manifest, headers, checkpoint, epochs, cosignatures, shown } = bundle;
  const users = usersOf(bundle);
  const destroyed = manifest.withheld.filter((w) => w.destroyed_by !== undefined).length;
  const seen = [...cosignatures].map(([witness, seconds]) => `${witness} on ${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`);
  const print = make("button", { type: "button" }, "Print this page");
  print.addEventListener("click", () => window.print());
  const checks = [
    "The file is complete, and no byte of it was changed since the practice made it.",
    "The practice recorded the making of this bundle in its own ledger, with everything it lists.",
    `All ${headers.size} entries stand in the practice’s ledger, each in its place and unchanged.`,
    epochs.length > 1 ? `The practice’s signature holds, and its ${epochs.length} keys follow from one another.` : "The practice’s signature under the whole ledger holds.",
    seen.length ? `Witnesses had seen the ledger in this state: ${seen.join("; ")}.` : null,
    `${plural(shown.size, "text or file is", "texts and files are")} exactly what was sealed when the entries were written.`,
    bundle.attestations ? `${plural(bundle.attestations, "statement was", "statements were")} signed with the clinician’s own key.` : null,
    manifest.withheld.length ? `${plural(manifest.withheld.length, "text or file is", "texts and files are")} listed as not shown, each with the reason${destroyed ? `; of ${destroyed} the destruction is recorded` : ""}.` : null,
    ...[...bundle.earlier.keys()].map((size) => `Since it had ${size} entries the ledger only grew: nothing before was changed.`),
  ];
  const cannot = [
    "What was never recorded, and whether what was recorded is true.",
    `That these are all entries. The practice chose them; its ledger had ${checkpoint.size} when the bundle was made. Of the others only their number is known.`,
    "Whose key it is: compare it with one you have from the practice, above.",
    seen.length ? "Whether the witnesses are independent of the practice: that is for you to judge." : "That the practice keeps no second ledger: no witness signed this one. An earlier checkpoint of yours would show it.",
    "The right time: times are those of the practice’s own clock.",
    "Anything, if this page itself was tampered with. If in doubt, use a copy of it from another bundle or from the Provenote project.",
  ];
  return [
    make("div", { class: "verdict good", role: "status" }, make("strong", {}, "✓ Everything in this bundle holds"), `${name}: nothing in it was changed, and all of it comes from one ledger.`),
    facts([
      ["About", scopeInWords(manifest.scope)],
      ["Made", `${when(manifest.created)} UTC`],
      ["Entries", `${headers.size}, of ${checkpoint.size} in the ledger`],
      ["Shown", plural(shown.size, "text or file", "texts and files")],
      ["Not shown", `${manifest.withheld.length}${destroyed ? `, of which ${destroyed} destroyed` : ""}`],
      ["Witnesses", seen.length ? seen.join("; ") : "none"],
    ]),
    print,
    make("h2", {}, "What was checked"),
    make("ul", { class: "checks" }, ...checks.filter((check) => check).map((check) => make("li", {}, check))),
    comparing(bundle),
    make("h2", {}, "What happened"),
    timeline(bundle, users),
    make("h2", {}, "The texts"),
    ...(shown.size ? texts(bundle) : [make("p", {}, "This bundle shows no texts.")]),
    make("h2", {}, "What is not shown"),
    ...heldBack(bundle),
    make("h2", {}, "What no check can show"),
    make("ul", {}, ...cannot.map((limit) => make("li", {}, limit))),
    make("h2", {}, "For technical readers"),
    facts([
      ["Ledger", make("code", {}, manifest.origin)],
      ...epochs.map((epoch) => [`Key ${epoch.epoch}`, make("code", {}, epoch.vkey)]),
      ["Size and root", make("code", {}, `${checkpoint.size}, ${hex(checkpoint.root)}`)],
      ["Manifest", make("code", {}, `SHA-256 ${headers.get(bundle.created).facts.manifest}, entry ${bundle.created}`)],
    ]),
  ];
};

const refused = (sentence, name) => [
  make("div", { class: "verdict bad", role: "alert" }, make("strong", {}, "✗ This bundle is refused"), sentence),
  make("p", {}, `Nothing that ${name} says should be relied on. Ask the practice for the file again, by a way that does not change it; if it is refused again, say so to whoever asked you to check it.`),
];

const result = document.getElementById("result");
let latest = 0;

const checkFile = async (file) => {
  const turn = ++latest;
  result.setAttribute("aria-busy", "true");
  result.replaceChildren(make("p", {}, `Checking ${file.name} …`));
  let shown = null;
  try {
    const bytes = file.size <= 512 * 2 ** 20 ? new Uint8Array(await file.arrayBuffer()) : new Uint8Array();
    shown = passed(await checkBundle(bytes), file.name);
  } catch (error) {
    shown = refused(error instanceof Refused ? error.message : "The file is not in the form of a bundle.", file.name);
  }
  if (turn !== latest) return;
  result.replaceChildren(...shown);
  result.setAttribute("aria-busy", "false");
  result.focus();
};

const drop = document.getElementById("drop");
const input = document.getElementById("file");
input.addEventListener("change", () => {
  if (input.files.length) checkFile(input.files[0]);
});
// Choosing the same file again is no change to a browser; the file may have changed all the same.
input.addEventListener("click", () => (input.value = ""));
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) checkFile(event.dataTransfer.files[0]);
  });
}
