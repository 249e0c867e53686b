//! The kinds of entries, the classes of payloads, purposes and roles.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value a word stands for, if it is one of ours.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What an entry records. A kind is never renamed: entries are kept for years.
    Kind {
        /// The practice was made on this machine.
        PracticeCreated = "practice.created",
        /// A setting of the practice was set or changed.
        PracticeConfigured = "practice.configured",
        /// A user with keys of their own was added.
        UserAdded = "user.added",
        /// A user's keys were unlocked for a limited idle time.
        UserUnlocked = "user.unlocked",
        /// A user's keys were forgotten before their time.
        UserLocked = "user.locked",
        /// A passphrase did not fit; written at the next unlocking, with the count.
        UserRefused = "user.refused",
        /// A user's keys were opened with the recovery code and sealed under a new passphrase.
        UserRecovered = "user.recovered",
        /// A user was invited, with keys that the code of the invitation opens; `user.added` follows, with keys of the user's
        /// own making.
        UserInvited = "user.invited",
        /// What a user is was changed: the role, or when the account ends.
        UserChanged = "user.changed",
        /// A user may open nothing any more; what is sealed from then on is sealed under keys they never had.
        UserRemoved = "user.removed",
        /// A user signed in for one command.
        UserSignedIn = "user.signed_in",
        /// A user's keys were forgotten because nobody had asked for them for the idle time.
        UserExpired = "user.expired",
        /// So many passphrases or codes did not fit that the user has to wait.
        UserDelayed = "user.delayed",
        /// Whose work a supervisor answers for was said anew.
        SupervisionSet = "user.supervision",
        /// The key pair of all who open a class of every client was made or replaced; the public half stands in the facts.
        OfficeKeyed = "office.keyed",
        /// Somebody asked for what they may not do; nothing was done.
        AccessRefused = "access.refused",
        /// A decision was explained.
        AccessExplained = "access.explained",
        /// A person reviewed who read what, and signed it off.
        AccessReviewed = "access.reviewed",
        /// The practice's own policies of access were put in force.
        PolicyChanged = "policy.changed",
        /// Somebody asked for access for a limited time.
        GrantRequested = "grant.requested",
        /// Somebody else gave access for a limited time.
        GrantApproved = "grant.approved",
        /// Access for a limited time was denied.
        GrantDenied = "grant.denied",
        /// Access for a limited time was taken back before its end.
        GrantRevoked = "grant.revoked",
        /// Somebody took access at once in an emergency (45 CFR 164.312(a)(2)(ii)).
        GrantTaken = "grant.taken",
        /// Emergency access was reviewed by somebody else.
        GrantReviewed = "grant.reviewed",
        /// Access for a limited time was over, and its wrapped key was destroyed.
        GrantEnded = "grant.ended",
        /// The emergency key was made anew, and its code printed for a sealed envelope.
        EmergencyPrepared = "emergency.prepared",
        /// A user gave themselves a second factor.
        FactorEnrolled = "factor.enrolled",
        /// A code of a second factor was used up.
        FactorUsed = "factor.used",
        /// A user's second factor was taken away.
        FactorReset = "factor.reset",
        /// A device asked to be known.
        DeviceEnrolled = "device.enrolled",
        /// A device was approved.
        DeviceApproved = "device.approved",
        /// A device is no longer known.
        DeviceRevoked = "device.revoked",
        /// From which networks and countries people may work was changed.
        PlaceChanged = "place.changed",
        /// The recovery kit was printed.
        RecoveryPrinted = "recovery.printed",
        /// The ledger was given a new key, signed for by the old one and the new. The ledger's own word for it.
        LogKeyRotated = "log.key_rotated",
        /// A witness is asked from now on to sign for the ledger's state.
        WitnessAdded = "witness.added",
        /// A witness is no longer asked.
        WitnessRemoved = "witness.removed",
        /// The clock was found behind the ledger and the user accepted it.
        ClockReset = "clock.reset",
        /// A client's file was opened.
        ClientAdded = "client.added",
        /// Who takes part in a client's sessions was changed; the file as it is from now on.
        ClientChanged = "client.changed",
        /// Somebody treats a client from now on.
        ClientAssigned = "client.assigned",
        /// Somebody treats a client no longer.
        ClientUnassigned = "client.unassigned",
        /// Somebody looked at clients' identities.
        ClientViewed = "client.viewed",
        /// A consent form was made for a client from the disclosure facts of the day.
        ConsentRequested = "consent.requested",
        /// A form, blank or signed, was printed as a PDF and handed out.
        ConsentPrinted = "consent.printed",
        /// A form was put before a participant.
        ConsentOffered = "consent.offered",
        /// The form was talked through aloud.
        ConsentDiscussed = "consent.discussed",
        /// The clinician states that a participant said yes aloud.
        ConsentSpoken = "consent.spoken",
        /// A participant signed.
        ConsentGranted = "consent.granted",
        /// A participant said no.
        ConsentDeclined = "consent.declined",
        /// A participant took a consent back.
        ConsentRevoked = "consent.revoked",
        /// A consent left the practice's records as FHIR or as a receipt.
        ConsentExported = "consent.exported",
        /// A consent made elsewhere was read from FHIR.
        ConsentImported = "consent.imported",
        /// A recording passed the gate and was sealed.
        SessionRecorded = "session.recorded",
        /// A session was refused by the gate.
        SessionRefused = "session.refused",
        /// The clinician dictated instead of recording.
        SessionDictated = "session.dictated",
        /// A worker answered the handshake.
        WorkerStarted = "worker.started",
        /// A worker failed, was cancelled or broke the protocol; nothing of its work is kept.
        WorkerFailed = "worker.failed",
        /// A recording was handed to the speech engine.
        TranscriptionRequested = "transcription.requested",
        /// The speech engine's raw output.
        TranscriptReceived = "transcript.received",
        /// Somebody read a transcript.
        TranscriptViewed = "transcript.viewed",
        /// The exact prompt, before the model sees it.
        PromptSent = "prompt.sent",
        /// The model's raw output, before anything uses it.
        OutputReceived = "output.received",
        /// A draft was made of a raw output.
        DraftMade = "draft.made",
        /// Drafting was refused by the gate.
        DraftRefused = "draft.refused",
        /// Somebody read a draft or a note.
        NoteViewed = "note.viewed",
        /// The clinician changed a draft, or answered a warning on it. Which of the two is health information, and sealed.
        NoteEdited = "note.edited",
        /// The clinician made the draft a note.
        NoteAttested = "note.attested",
        /// The clinician added to an attested note.
        NoteAmended = "note.amended",
        /// A note left the practice's records as a file.
        NoteExported = "note.exported",
        /// A note was handed to a printer.
        NotePrinted = "note.printed",
        /// A note was sent to somebody outside the practice.
        NoteForwarded = "note.forwarded",
        /// Codes, dates, times or sums of a claim were entered or changed.
        ClaimChanged = "claim.changed",
        /// Somebody saw what a claim needs.
        ClaimViewed = "claim.viewed",
        /// A person confirmed a text without identifiers; what was taken out stands in it by kind.
        ReleaseMade = "release.made",
        /// Somebody read a text without identifiers.
        ReleaseViewed = "release.viewed",
        /// Somebody searched the records; the digest of what was asked stands in the facts.
        RecordsSearched = "records.searched",
        /// Somebody saw who opened a client's file.
        OpeningsViewed = "openings.viewed",
        /// Something of a client was disclosed outside the practice (45 CFR 164.528).
        DisclosureRecorded = "disclosure.recorded",
        /// The accounting of a client's disclosures was made.
        AccountingMade = "disclosure.accounted",
        /// Records are held back from destruction.
        HoldPlaced = "hold.placed",
        /// Records are no longer held back from destruction.
        HoldLifted = "hold.lifted",
        /// A security incident was opened, assessed or closed (45 CFR 164.308(a)(6)(ii)).
        IncidentRecorded = "incident.recorded",
        /// The audit trail left as a file.
        TrailExported = "trail.exported",
        /// The oldest part of the ledger was sealed off into an archive that still verifies.
        TrailSealed = "trail.sealed",
        /// Somebody traced a note's entries.
        NoteTraced = "note.traced",
        /// Somebody looked at entries of the ledger.
        LedgerViewed = "ledger.viewed",
        /// Keys and ciphertext were destroyed; the receipt.
        RecordDestroyed = "record.destroyed",
        /// All keys of a client were destroyed, and with them everything of the client. The entries that name the groups
        /// stand beside it.
        ClientDestroyed = "client.destroyed",
        /// A backup was made; written before it is, so that the backup holds it.
        BackupCreated = "backup.created",
        /// A backup was read through and compared with its digests and the ledger in it.
        BackupVerified = "backup.verified",
        /// The practice was restored from a backup, and its owner accepts what the backup does not have.
        BackupRestored = "backup.restored",
        /// A report was made.
        ReportMade = "report.made",
        /// An evidence bundle was made; written before it is handed out, with the SHA-256 of its manifest.
        BundleCreated = "bundle.created",
        /// A model was added to the catalogue.
        ModelAdded = "model.added",
        /// A company outside the practice gets sound or words from now on.
        VendorAdded = "vendor.added",
        /// A company outside the practice gets nothing any more.
        VendorRemoved = "vendor.removed",
        /// Somebody answered a question of the audit of a company, with what shows it.
        VendorAnswered = "vendor.answered",
        /// An agreement with a company was read and reviewed; the file and the review are sealed.
        VendorAgreementReviewed = "vendor.agreement_reviewed",
        /// A company, or the practice's own pipeline, was audited.
        VendorAudited = "vendor.audited",
        /// A document of a company's terms is watched from now on.
        TermsTracked = "terms.tracked",
        /// A document of a company's terms is no longer watched.
        TermsUntracked = "terms.untracked",
        /// The network is used from here on to ask for terms; the addresses are sealed. Written before it is.
        TermsAsked = "terms.asked",
        /// A document of terms was fetched, or could not be, and compared with the version before; whether over the
        /// network, and with which outcome, stand in the facts.
        TermsChecked = "terms.checked",
        /// A person said why terms that became worse do not touch clients: consents from before hold again.
        TermsSettled = "terms.settled",
        /// Versions of terms that others had archived were read in.
        TermsImported = "terms.imported",
    }
}

words! {
    /// Whose keys open a payload. What a role may not read, its keys cannot open.
    Class {
        /// Recordings, transcripts, prompts, outputs, drafts, notes.
        Clinical = "clinical",
        /// What a claim needs: codes, dates, times, identities (45 CFR 164.502(b)).
        Billing = "billing",
        /// Names, contact, consents, settings.
        Administrative = "administrative",
        /// De-identified text (45 CFR 164.514).
        Research = "research",
        /// Notes a therapist keeps apart from the record (45 CFR 164.501). Only who wrote one opens it.
        PsychotherapyNotes = "psychotherapy_notes",
        /// Records of a substance use disorder program (42 CFR 2.11, 2.12), in place of `clinical`.
        Part2 = "part2",
        /// Counseling notes of such a program that are kept apart (42 CFR 2.11). Only who wrote one opens it.
        SudCounselingNotes = "sud_counseling_notes",
    }
}

words! {
    /// What a participant agrees to. One purpose is never implied by another.
    Purpose {
        /// The session is recorded, transcribed and a note drafted of it by AI; where companies outside the practice
        /// work on it, [`Purpose::CloudProcessing`] is needed as well.
        AiNotes = "ai_notes",
        /// A session by phone or video is recorded.
        TelehealthRecording = "telehealth_recording",
        /// Recordings, transcripts or notes are shown to a supervisor of the clinician.
        Supervision = "supervision",
        /// Recordings, transcripts or notes are used to teach other people.
        Training = "training",
        /// The session is recorded and worked on by companies outside the practice.
        CloudProcessing = "cloud_processing",
        /// Records on substance use are disclosed (42 CFR 2.31).
        Part2Disclosure = "part2_disclosure",
        /// Psychotherapy notes are used or disclosed (45 CFR 164.508(a)(2)).
        PsychotherapyNotesDisclosure = "psychotherapy_notes_disclosure",
    }
}

words! {
    /// What a user of the practice is.
    Role {
        /// Answers for the practice; holds every key.
        Owner = "owner",
        /// Treats clients.
        Clinician = "clinician",
        /// Answers for the work of other clinicians, and treats clients.
        Supervisor = "supervisor",
        /// Makes claims: codes, dates, times and identities.
        Biller = "biller",
        /// Works with de-identified text.
        Researcher = "researcher",
        /// Watches over access and disclosures, without the texts.
        ComplianceOfficer = "compliance_officer",
        /// Receives clients: names and whether they agreed.
        FrontDesk = "front_desk",
        /// A board member who verifies the ledger, for a limited time.
        Auditor = "auditor",
    }
}
