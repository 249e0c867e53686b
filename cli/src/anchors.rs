//! Checkpoints handed out earlier, wherever a person has one: a text, a form or report as PDF, a bundle, a proof.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hayro_syntax::Pdf;
use hayro_syntax::object::{Object, Stream};
use provenote_ledger::GivenAnchor;

use crate::exit::Failure;

/// The longest file that is searched, in bytes.
const LONGEST: u64 = 512 << 20;
/// The longest packed attachment of a PDF that is looked into, in bytes: a checkpoint has a few hundred, and what is
/// packed can be a thousand times as long.
const LONGEST_ATTACHMENT: usize = 64 << 10;
/// A key's id and an Ed25519 signature, in bytes; a cosignature has a time between them.
const SIGNATURES: [usize; 2] = [4 + 64, 4 + 8 + 64];

/// The checkpoints in what `--anchor` names: a file, `-` for standard input, or the text itself.
///
/// # Errors
/// [`Failure::Could`] where there is nothing to read, or no checkpoint in it.
pub(crate) fn read(given: &str) -> Result<Vec<String>, Failure> {
    let (name, bytes) = if given.contains('\n') {
        ("the text given".to_owned(), given.as_bytes().to_vec())
    } else if given == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes);
        read.map_err(|error| Failure::could(format!("standard input could not be read: {error}")))?;
        ("standard input".to_owned(), bytes)
    } else {
        (given.to_owned(), file(Path::new(given))?)
    };
    let found = search(bytes);
    if found.is_empty() {
        return Err(Failure::could(format!(
            "{name} holds no checkpoint: give a checkpoint's text (three lines, an empty line, a signature), a PDF or a bundle made by Provenote, or a .tlog-proof"
        )));
    }
    Ok(found)
}

/// The same of several, each under the name findings call it by.
///
/// # Errors
/// As [`read`].
pub(crate) fn given(names: &[String]) -> Result<Vec<GivenAnchor>, Failure> {
    let mut all = Vec::new();
    for name in names {
        // A text given as such is too long for a name.
        let label = if name.contains('\n') { "the checkpoint given" } else { name };
        all.extend(read(name)?.into_iter().map(|note| GivenAnchor { label: label.to_owned(), note }));
    }
    Ok(all)
}

fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", path.display()));
    let file = File::open(path).map_err(problem)?;
    let length = file.metadata().map_err(problem)?.len();
    if length > LONGEST {
        return Err(Failure::could(format!(
            "{} has {length} bytes; a document with a checkpoint has at most {LONGEST}",
            path.display()
        )));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(problem)?;
    Ok(bytes)
}

fn search(bytes: Vec<u8>) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |text: &[u8]| {
        for note in notes(&String::from_utf8_lossy(text)) {
            if !found.contains(&note) {
                found.push(note);
            }
        }
    };
    if bytes.starts_with(b"%PDF-") {
        if let Ok(pdf) = Pdf::new(bytes) {
            for object in pdf.objects() {
                if let Object::Stream(stream) = object
                    && let Some(attached) = attachment(&stream)
                {
                    add(&attached);
                }
            }
        }
    } else {
        // A bundle's members are stored as they are, so its checkpoint stands in it as text.
        add(&bytes);
    }
    found
}

fn attachment(stream: &Stream<'_>) -> Option<Vec<u8>> {
    let is_file = stream.dict().get::<hayro_syntax::object::Name<'_>>(b"Type".as_slice());
    if is_file.is_none_or(|name| &*name != b"EmbeddedFile") || stream.raw_data().len() > LONGEST_ATTACHMENT {
        return None;
    }
    stream.decoded().ok().map(std::borrow::Cow::into_owned)
}

/// The checkpoints in a text: origin, size and root on lines of their own, an empty line, lines of signatures. Quoted
/// (`> `), indented and wrapped lines are taken too, as mail and paper make them.
fn notes(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches(['>', ' ', '\t']).trim_end()).collect();
    let mut found = Vec::new();
    for (at, window) in lines.windows(3).enumerate() {
        let [origin, size, root] = window else { continue };
        let is_size = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit());
        let is_root = BASE64.decode(root).is_ok_and(|hash| hash.len() == 32);
        if origin.is_empty() || !is_size || !is_root {
            continue;
        }
        let mut note = format!("{origin}\n{size}\n{root}\n\n");
        let mut rest = lines[at + 3..].iter().copied().skip_while(|line| line.is_empty()).peekable();
        let mut signed = false;
        while let Some(line) = rest.next_if(|line| line.starts_with("— ")) {
            let Some((name, begun)) = line["— ".len()..].split_once(' ') else { break };
            let mut signature = begun.trim().to_owned();
            // Paper breaks a long signature in two.
            while !is_signature(&signature)
                && let Some(more) = rest.next_if(|line| !line.is_empty() && !line.contains(' '))
            {
                signature.push_str(more);
            }
            if BASE64.decode(&signature).is_err() {
                break;
            }
            note.push_str(&format!("— {name} {signature}\n"));
            signed = true;
        }
        if signed {
            found.push(note);
        }
    }
    found
}

fn is_signature(text: &str) -> bool {
    BASE64.decode(text).is_ok_and(|bytes| SIGNATURES.contains(&bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "provenote.local/8kdgpr06b735nkd2\n8\nNgXMSV3QjamTBoxABZFK1GRP166cjeeUBInVnBLuSVs=\n\n— provenote.local/8kdgpr06b735nkd2 DSnSeOp1R6aGWlX3j8rQYMZ/sJRaSAhx0HPyDRX8cY8hYuaS96RG+WdRu1cOEb8O3kgH1NTXtVrKDxNZnhMy96HnUAc=\n";

    #[test]
    fn a_note_is_found_however_it_came() {
        let two = NOTE.to_owned()
            + "— witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let quoted: String = two.lines().fold("Dear board,\r\n".to_owned(), |text, line| text + "> " + line + "\r\n");
        let wrapped = two.replace("DRX8", "\nDRX8").replace("IDoe9", "\n   IDoe9");
        for text in [two.clone(), quoted, wrapped, format!("before\n\n{two}\nafter\n")] {
            assert_eq!(notes(&text), std::slice::from_ref(&two), "{text}");
        }
        assert_eq!(notes(NOTE), [NOTE]);
    }

    #[test]
    fn what_is_no_note_is_not_found() {
        for text in [
            "",
            "\n\n\n",
            "a\n8\nAAAA\n\n— a b\n",
            &NOTE.replace("— ", "- "),
            &NOTE[..60],
            &NOTE.replace("\n8\n", "\n-8\n"),
        ] {
            assert_eq!(notes(text), Vec::<String>::new(), "{text}");
        }
        assert!(search(b"%PDF-1.7 and then nothing of the kind".to_vec()).is_empty());
    }
}
