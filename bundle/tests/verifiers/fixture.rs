//! A small practice's log in memory, and a bundle of one client of it.

use std::collections::BTreeMap;

use provenote_bundle::manifest::MAX_ENTRIES;
use provenote_bundle::{Contents, KeyEpoch, Opened, Prepared, Proved, Scope, Withheld};
use provenote_ledger::conformance::Seeded;
use provenote_ledger::cosignature::Cosigner;
use provenote_ledger::memory::{MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_ledger::proof::{prove_consistency, prove_inclusion, root_at};
use provenote_ledger::{
    Argon2Params, Checkpoint, Fact, Hash, Log, LogSigner, NewEntry, NoAnchor, PayloadRef, Sealed, SignedNote, Unlocked,
    Vault,
};
use zeroize::Zeroizing;

pub(crate) const CLIENT: &str = "cli-0123456789abcdef";
const USER: &str = "usr-0123456789abcdef";
const NOTE: &str = "note-0123456789abcdef";
/// 2026-11-21T20:00:00Z.
const NOW: i64 = 1_795_291_200_000;

/// What a bundle of the fixture has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Another key since.
    pub(crate) rotated: bool,
    /// Two witnesses of three have to agree.
    pub(crate) witnessed: bool,
    /// A document for people.
    pub(crate) report: bool,
    /// A proof from a checkpoint of six entries.
    pub(crate) earlier: bool,
    /// The first key may have been in other hands after so many entries.
    pub(crate) compromised_after: Option<u64>,
}

pub(crate) const EVERYTHING: Wanted =
    Wanted { rotated: true, witnessed: true, report: true, earlier: true, compromised_after: None };

pub(crate) struct Fixture {
    pub(crate) log: Log,
    pub(crate) vault: Vault,
    random: Seeded,
    owner: Unlocked,
    signer: LogSigner,
    first: LogSigner,
    now: i64,
    /// The checkpoint handed out when the log had six entries.
    pub(crate) early: String,
    pub(crate) withhold_text: bool,
}

fn seed(byte: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([byte; 32])
}

pub(crate) fn witnesses() -> Vec<Cosigner> {
    (1..=3).map(|n| Cosigner::new(&format!("witness.example/w{n}"), &seed(n)).expect("a cosigner")).collect()
}

pub(crate) fn witness_lines() -> String {
    let line = |(n, witness): (usize, &Cosigner)| format!("witness W{n} {} https://w{n}.example/\n", witness.key());
    witnesses().iter().enumerate().map(line).collect()
}

/// Two of the three have to agree.
pub(crate) fn policy() -> String {
    format!("# Who has to agree.\n{}group some 2 W0 W1\tW2\nquorum some\n", witness_lines())
}

impl Fixture {
    pub(crate) fn new(wanted: Wanted) -> Self {
        let mut random = Seeded::new(11);
        let mut vault = Vault::new(Box::new(MemoryKeys::default()), Box::new(MemoryBlobs::default()));
        let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
        let owner = vault.create_user(USER, b"correct horse", small, &mut random).expect("a user");
        for (class, scope) in [("administrative", "practice"), ("administrative", CLIENT), ("clinical", CLIENT)] {
            vault.create_class_key(class, scope, &[owner.public()], &mut random).expect("a class");
        }
        for (group, class, scope) in [
            ("grp-practice", "administrative", "practice"),
            ("grp-file", "administrative", CLIENT),
            ("grp-audio", "clinical", CLIENT),
            ("grp-notes", "clinical", CLIENT),
        ] {
            vault.create_group(&owner, group, class, scope, &mut random).expect("a group");
        }
        let first = LogSigner::new("provenote.local/0123456789abcdef", &seed(9)).expect("a signer");
        let signer = LogSigner::new("provenote.local/0123456789abcdef", &seed(9)).expect("a signer");
        let log = Log::create(Box::new(MemoryStore::default()), &first, Box::new(NoAnchor)).expect("a log");
        let mut this =
            Self { log, vault, random, owner, signer, first, now: NOW, early: String::new(), withhold_text: false };
        this.fill(wanted);
        this
    }

    fn seal(&mut self, group: &str, name: &str, media_type: &str, bytes: &[u8]) -> Sealed {
        self.vault.seal(&self.owner, group, name, media_type, bytes, &mut self.random).expect("seals")
    }

    pub(crate) fn append(&mut self, entry: NewEntry) -> u64 {
        self.now += 61_000;
        self.log.append(self.now, &self.signer, vec![entry]).expect("appends")[0]
    }

    fn entry(kind: &str) -> NewEntry {
        NewEntry::new(USER, kind)
    }

    fn about(kind: &str) -> NewEntry {
        Self::entry(kind).refer("client", CLIENT)
    }

    fn fill(&mut self, wanted: Wanted) {
        let record = self.seal(
            "grp-practice",
            "practice",
            "application/json",
            br#"{"clinician":"Dana Reyes, LCSW","license":"149.000001","name":"Elm Street Counseling","state":"IL"}"#,
        );
        self.append(Self::entry("practice.created").payload(record));
        let name = self.seal("grp-practice", "name", "text/plain", b"Dana Reyes, LCSW");
        let public = self.owner.public();
        let added = Self::entry("user.added")
            .refer("user", USER)
            .fact("role", Fact::Text("owner".to_owned()))
            .fact("sign_key", Fact::Text(Hash(public.sign_key).to_string()));
        self.append(added.payload(name));
        self.append(Self::entry("practice.configured").fact("audio_days", Fact::Number(7)));
        let client = self.seal("grp-file", "client", "application/json", "{\"name\":\"Zoë “Z” Brown\"}".as_bytes());
        self.append(Self::about("client.added").payload(client));
        let form = self.seal(
            "grp-file",
            "form",
            "application/json",
            r##"{"client":"cli-0123456789abcdef","text":"# Consent\n\nI agree that my sessions are recorded.","template":"ai-notes@1"}"##.as_bytes(),
        );
        self.append(Self::about("consent.requested").refer("consent", "con-0123456789abcdef").payload(form));
        let drawn = self.seal("grp-file", "signature", "image/png", &PNG);
        self.append(Self::about("consent.granted").refer("consent", "con-0123456789abcdef").payload(drawn));
        self.early = self.log.checkpoint().expect("a checkpoint");
        let audio = self.seal("grp-audio", "audio", "audio/L16;rate=16000", &[7; 900]);
        self.append(Self::about("session.recorded").refer("session", "ses-0123456789abcdef").payload(audio));
        if wanted.rotated {
            let new = LogSigner::new(self.signer.origin(), &seed(8)).expect("a signer");
            self.now += 61_000;
            self.log.rotate(self.now, USER, &self.signer, &new, wanted.compromised_after).expect("rotates");
            self.signer = new;
        }
        // Of another client: only hashes of it may be seen.
        self.append(Self::entry("client.viewed").refer("client", "cli-zzzzzzzzzzzzzzzz"));
        let text = r#"{"format":"SOAP","note":"note-0123456789abcdef","sections":[{"name":"Subjective","sentences":[{"origin":"model","segments":[1],"support":"supported","text":"Slept six hours, “mostly”."}]}],"session":"ses-0123456789abcdef","warnings":[]}"#;
        let attestation = format!(
            r#"{{"note":"{NOTE}","statement":"I have read this note.","text":"{}","time":"2026-11-21T20:30:00.000Z","user":"{USER}"}}"#,
            Hash::of(text.as_bytes())
        );
        let signature = hex(&self.owner.sign(attestation.as_bytes()));
        let signed = format!(r#"{{"attestation":{attestation},"signature":"{signature}"}}"#);
        let text = self.seal("grp-notes", "text", "application/json", text.as_bytes());
        let signed = self.seal("grp-notes", "attestation", "application/json", signed.as_bytes());
        self.append(Self::about("note.attested").refer("note", NOTE).payload(text).payload(signed));
        let amendment =
            br#"{"text":"Also spoke of work.","time":"2026-11-21T21:00:00.000Z","user":"usr-0123456789abcdef"}"#;
        let signature = hex(&self.owner.sign(amendment));
        let amendment = self.seal("grp-notes", "amendment", "application/json", amendment);
        let signature = self.seal("grp-notes", "signature", "text/plain", signature.as_bytes());
        self.append(Self::about("note.amended").refer("note", NOTE).payload(amendment).payload(signature));
        let destroyed = Self::about("record.destroyed").refer("session", "ses-0123456789abcdef");
        self.append(destroyed.refer("group", "grp-audio").fact("class", Fact::Text("audio".to_owned())));
        self.vault.destroy_group("grp-audio", &[]).expect("destroys");
        self.append(Self::entry("client.viewed").refer("client", "cli-zzzzzzzzzzzzzzzz"));
    }

    fn open(&self, seq: u64, payload: &PayloadRef) -> Opened {
        let (wrapped, body) = self.log.sealed(payload).expect("reads").expect("is there");
        let shown = self.vault.disclose(&self.owner, payload, &wrapped, &body).expect("opens");
        Opened {
            seq,
            name: payload.name.clone(),
            media_type: payload.media_type.clone(),
            plaintext: shown.plaintext.to_vec(),
            commitment_key: *shown.commitment_key,
        }
    }

    /// Entries of the client and those needed to understand them.
    pub(crate) fn contents(&self, wanted: Wanted) -> Contents {
        let mut contents = Contents {
            origin: self.signer.origin().to_owned(),
            created: "2026-11-21T22:00:00.000Z".to_owned(),
            scope: Scope::Client { id: CLIENT.to_owned() },
            keys: vec![KeyEpoch { epoch: 1, from_size: 0, vkey: self.first.verifier().to_string() }],
            entries: BTreeMap::new(),
            disclosed: Vec::new(),
            withheld: Vec::new(),
            left_out: Vec::new(),
            policy: wanted.witnessed.then(policy),
            report: wanted.report.then(|| b"%PDF-1.7 not really".to_vec()),
            earlier: if wanted.earlier { vec![6] } else { Vec::new() },
        };
        let size = self.log.size().expect("reads");
        assert!(size < MAX_ENTRIES as u64);
        let receipt = (0..size).find(|seq| self.log.header(*seq).expect("reads").kind == "record.destroyed");
        for seq in 0..size {
            let header = self.log.header(seq).expect("reads");
            if header.refs.get("client").is_some_and(|client| client != CLIENT) {
                continue;
            }
            if header.kind == "log.key_rotated" {
                contents.keys.push(KeyEpoch { epoch: 2, from_size: seq + 1, vkey: self.signer.verifier().to_string() });
            }
            for payload in &header.payloads {
                let gone = payload.name == "audio";
                if gone || (self.withhold_text && payload.name == "text") {
                    contents.withheld.push(Withheld {
                        seq,
                        name: payload.name.clone(),
                        class: payload.class.clone(),
                        reason: if gone { "destroyed" } else { "asked" }.to_owned(),
                        why: "It was destroyed on schedule — with a receipt.".to_owned(),
                        citation: None,
                        verification: None,
                        destroyed_by: receipt.filter(|_| gone),
                    });
                } else {
                    contents.disclosed.push(self.open(seq, payload));
                }
            }
            contents.entries.insert(seq, self.log.entry_bytes(seq).expect("reads"));
        }
        contents
    }

    /// Records a bundle of these contents and finishes it.
    pub(crate) fn finish(
        &mut self,
        contents: Contents,
        wanted: Wanted,
    ) -> Result<Vec<u8>, provenote_bundle::BundleError> {
        let entries: Vec<u64> = contents.entries.keys().copied().collect();
        let prepared = Prepared::new(contents)?;
        let digest = Fact::Text(prepared.manifest_digest().to_string());
        let created = self.append(Self::about("bundle.created").fact("manifest", digest));
        self.append(Self::entry("client.viewed").refer("client", "cli-zzzzzzzzzzzzzzzz"));
        let mut note = self.log.checkpoint().expect("a checkpoint");
        let signed = SignedNote::parse(&note).expect("a note");
        if wanted.witnessed {
            let lines: String = witnesses().iter().skip(1).map(|w| w.cosign(signed.text(), 1_795_300_000)).collect();
            // A line nobody knows must not come along.
            let stranger = Cosigner::new("stranger.example", &seed(77)).expect("a cosigner");
            note = signed.with_lines(&(lines + &stranger.cosign(signed.text(), 1))).expect("a note");
        }
        let size = Checkpoint::parse(signed.text()).expect("a checkpoint").size;
        let store = self.log.store();
        let proofs =
            entries.iter().chain([&created]).map(|seq| (*seq, prove_inclusion(store, *seq, size).expect("proves")));
        let earlier = if wanted.earlier {
            let root = root_at(store, 6).expect("a root");
            BTreeMap::from([(6, (root, prove_consistency(store, 6, size).expect("proves")))])
        } else {
            BTreeMap::new()
        };
        prepared.finish(&Proved {
            created: (created, self.log.entry_bytes(created).expect("reads")),
            proofs: proofs.collect(),
            note,
            earlier,
        })
    }

    pub(crate) fn vkey(&self) -> String {
        self.first.verifier().to_string()
    }
}

pub(crate) fn bundle(wanted: Wanted) -> Vec<u8> {
    let mut fixture = Fixture::new(wanted);
    let contents = fixture.contents(wanted);
    fixture.finish(contents, wanted).expect("a bundle")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A PNG of one pixel.
const PNG: [u8; 67] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0,
    1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
