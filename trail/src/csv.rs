//! The trail as CSV (RFC 4180): one line an entry, after a line with the names. A field that a spreadsheet would take for a
//! formula begins with an apostrophe.

use crate::events::{extras, place};
use crate::record::Record;

/// The names of the columns, in order.
pub const COLUMNS: &[&str] = &[
    "event_id",
    "time_utc",
    "clock_source",
    "user_unique_id",
    "role",
    "device_id",
    "client_pseudo_id",
    "action",
    "kind",
    "record_class",
    "record_id",
    "outcome",
    "extra",
    "references",
    "facts",
    "payloads",
    "prev_hash",
    "entry_hash",
];

/// What every time of the ledger comes from.
pub const CLOCK: &str = "system clock";

/// The columns' names, as the first line.
#[must_use]
pub fn header() -> String {
    line(COLUMNS.iter().map(|name| (*name).to_owned()))
}

/// One entry. Signature and key are the checkpoint's, for all entries of the ledger together: they are no columns.
#[must_use]
pub fn row(record: &Record) -> String {
    let placed = place(record);
    let pairs = |all: Vec<(String, String)>| {
        all.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let told = extras(record).into_iter().filter_map(|extra| Some((extra.name, extra.value?)));
    let text = |value: Option<String>| value.unwrap_or_default();
    line([
        record.seq.to_string(),
        record.time.to_string(),
        CLOCK.to_owned(),
        record.actor.clone(),
        text(record.role.map(|role| role.to_string())),
        text(record.device.clone()),
        text(record.client().map(str::to_owned)),
        placed.event.map_or("other", |event| event.as_str()).to_owned(),
        record.kind.clone(),
        placed.record_class,
        text(record.about()),
        placed.outcome.as_str().to_owned(),
        pairs(told.collect()),
        pairs(record.refs.iter().map(|(name, id)| (name.clone(), id.clone())).collect()),
        pairs(record.facts.iter().map(|(name, fact)| (name.clone(), fact.to_string())).collect()),
        pairs(record.payloads.iter().map(|one| (one.name.clone(), one.sha256.to_string())).collect()),
        record.prev.to_string(),
        record.entry.to_string(),
    ])
}

/// One line of fields, quoted where RFC 4180 asks for it, with CRLF at its end.
fn line(fields: impl IntoIterator<Item = String>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|field| quoted(&harmless(field))).collect();
    format!("{}\r\n", fields.join(","))
}

/// With an apostrophe before what a spreadsheet would run: OWASP's list of first characters, and the full-width forms of
/// them that some programs take for the same.
fn harmless(field: String) -> String {
    match field.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => format!("'{field}"),
        _ => field,
    }
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n', ';', '\t']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Value;
    use crate::samples::{every, record};
    use proptest::prelude::*;

    /// A reader of RFC 4180 of its own: lines of fields.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (mut lines, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        let mut quoted = false;
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(std::mem::take(&mut field)),
                '\r' if !quoted && chars.peek() == Some(&'\n') => {
                    chars.next();
                    fields.push(std::mem::take(&mut field));
                    lines.push(std::mem::take(&mut fields));
                }
                c => field.push(c),
            }
        }
        lines
    }

    #[test]
    fn a_line_has_every_column() {
        let lines = read(&(header() + &row(&record("note.viewed", &[("client", "cli-0"), ("note", "note-1")]))));
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() == COLUMNS.len()));
        assert_eq!(
            &lines[1][6..13],
            [
                "cli-0",
                "view",
                "note.viewed",
                "progress_note",
                "note-1",
                "allowed",
                "record_id=note-1 record_class=progress_note client_pseudo_id=cli-0"
            ]
        );
    }

    /// The schema of a line is our own: none is published for audit logs as CSV.
    const SCHEMA: &str = include_str!("../tests/csv-row.schema.json");

    #[test]
    fn every_entry_fits_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).expect("JSON");
        let schema = jsonschema::validator_for(&schema).expect("a schema");
        let object = |line: &[String]| -> serde_json::Value {
            let fields = COLUMNS.iter().zip(line);
            fields.map(|(name, field)| ((*name).to_owned(), serde_json::Value::from(field.as_str()))).collect()
        };
        for one in every() {
            let lines = read(&row(&one));
            assert_eq!((lines.len(), lines[0].len()), (1, COLUMNS.len()), "{}", one.kind);
            let value = object(&lines[0]);
            let wrong: Vec<String> =
                schema.iter_errors(&value).map(|error| format!("{error} at {}", error.instance_path())).collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}", one.kind);
        }
        // The schema can fail.
        let mut broken = read(&row(&record("note.viewed", &[]))).remove(0);
        broken[7] = "glance".to_owned();
        assert!(!schema.is_valid(&object(&broken)));
    }

    proptest! {
        #[test]
        fn nothing_runs_in_a_spreadsheet_and_everything_reads_back(words in proptest::collection::vec(".{0,12}", 4)) {
            let mut one = record("client.viewed", &[]);
            one.actor = words[0].clone();
            one.device = Some(words[1].clone());
            one.refs.insert("client".to_owned(), words[2].clone());
            one.facts.insert("odd".to_owned(), Value::Text(words[3].clone()));
            let lines = read(&row(&one));
            prop_assert_eq!(lines.len(), 1);
            prop_assert_eq!(lines[0].len(), COLUMNS.len());
            for field in &lines[0] {
                prop_assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{field:?}");
            }
            for (place, word) in [(3, &words[0]), (5, &words[1]), (6, &words[2])] {
                let plain = lines[0][place] == *word;
                prop_assert!(plain || lines[0][place] == format!("'{word}"), "{word:?}");
            }
        }
    }
}
