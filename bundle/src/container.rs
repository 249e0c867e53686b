//! The container: a ZIP file with one possible form.
//!
//! The bytes of a bundle are evidence, so none of them may be free: whoever changes one, anywhere, must be found out,
//! by the verifiers in the browser and in Python too. The ZIP format has many free bytes (dates, versions, attributes,
//! extra fields, comments, gaps, two copies of each field that readers weigh differently), and libraries that write it
//! choose them differently from version to version. So this module writes its own: every field is fixed or follows
//! from the members' names and contents, and [`read`] puts the file together again from what it found and refuses any
//! other byte. Members are stored, not compressed: nothing can unfold into more than the file itself holds, and a
//! verifier needs no inflater.
//!
//! Fields follow PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16
//! (end of central directory).

use std::collections::BTreeSet;

/// The largest bundle that is written or read, in bytes.
pub const MAX_BUNDLE: usize = 512 << 20;
/// The most members a bundle may have; the format counts them in 16 bits.
pub const MAX_MEMBERS: usize = 60_000;
/// The longest name of a member.
pub const MAX_NAME: usize = 200;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const LOCAL_LENGTH: usize = 30;
const METHOD_AT: usize = 8;

/// Why some bytes are no container of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// The bytes do not begin as a ZIP file does.
    #[error("this is no evidence bundle: it does not begin as a ZIP file does")]
    NotAZip,
    /// More than [`MAX_BUNDLE`] bytes.
    #[error("the file has {0} bytes; a bundle has at most 512 MiB")]
    TooLarge(usize),
    /// More than [`MAX_MEMBERS`] members.
    #[error("the file has more than 60000 members, too many for a bundle")]
    TooManyMembers,
    /// A name that could lead out of the folder it is unpacked into, or that no bundle has.
    #[error(
        "the member at byte {0} has a name no bundle has: letters, digits, dot, hyphen and underscore, in folders, \
         and never leading out"
    )]
    BadName(usize),
    /// A name that comes twice.
    #[error("the member {0} comes twice")]
    Twice(String),
    /// A compressed member.
    #[error(
        "the member {0} is compressed: a bundle's members are stored as they are, so that nothing can unfold into more \
         than it seems"
    )]
    Compressed(String),
    /// The file ends within a member.
    #[error("the file is cut off at byte {0}")]
    CutOff(usize),
    /// A member whose CRC-32 is wrong.
    #[error("the member {0} is damaged: its checksum does not fit")]
    Damaged(String),
    /// A byte that is not as this format has it.
    #[error("byte {0} of the file is not what a bundle has there")]
    NotCanonical(usize),
}

/// A member of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name, with folders.
    pub name: &'a str,
    /// Its contents.
    pub data: &'a [u8],
}

/// True for names a member may have: 1 to 200 of `A-Z a-z 0-9 . _ -` in folders; no part is empty or begins with a dot.
#[must_use]
pub fn is_safe_name(name: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    name.len() <= MAX_NAME && name.split('/').all(fits)
}

/// What local header and directory say alike of a member: version 1.0, no flags, stored, 1980-01-01 00:00, checksum,
/// both lengths, the name's length and no extra field.
fn common(name: &str, data: &[u8], crc: u32) -> Option<Vec<u8>> {
    let length = u32::try_from(data.len()).ok()?;
    let mut out = Vec::with_capacity(26);
    for field in [10_u16, 0, 0, 0, 0x21] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    for field in [crc, length, length] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.extend_from_slice(&u16::try_from(name.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    Some(out)
}

/// Everything after the members: the directory and its end.
fn directory(entries: &[(&str, Vec<u8>, u32)], at: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for (name, common, offset) in entries {
        out.extend_from_slice(&CENTRAL);
        out.extend_from_slice(&10_u16.to_le_bytes());
        out.extend_from_slice(common);
        // No comment, first disk, no attributes within or without.
        out.extend_from_slice(&[0; 10]);
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(name.as_bytes());
    }
    let length = u32::try_from(out.len()).ok()?;
    let count = u16::try_from(entries.len()).ok()?.to_le_bytes();
    out.extend_from_slice(&END);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&count);
    out.extend_from_slice(&count);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&u32::try_from(at).ok()?.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    Some(out)
}

/// Writes a container. The same members give the same bytes.
///
/// # Errors
/// [`ContainerError::BadName`] (with the member's position), [`ContainerError::Twice`],
/// [`ContainerError::TooManyMembers`], [`ContainerError::TooLarge`].
pub fn write(members: &[Member<'_>]) -> Result<Vec<u8>, ContainerError> {
    if members.len() > MAX_MEMBERS {
        return Err(ContainerError::TooManyMembers);
    }
    let mut names = BTreeSet::new();
    let total: usize = members.iter().map(|member| member.data.len() + 2 * member.name.len() + 76).sum::<usize>() + 22;
    if total > MAX_BUNDLE {
        return Err(ContainerError::TooLarge(total));
    }
    let mut out = Vec::with_capacity(total);
    let mut entries = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        if !is_safe_name(member.name) {
            return Err(ContainerError::BadName(index));
        }
        if !names.insert(member.name) {
            return Err(ContainerError::Twice(member.name.to_owned()));
        }
        let too_large = || ContainerError::TooLarge(total);
        let offset = u32::try_from(out.len()).map_err(|_| too_large())?;
        let common = common(member.name, member.data, crc32fast::hash(member.data)).ok_or_else(too_large)?;
        out.extend_from_slice(&LOCAL);
        out.extend_from_slice(&common);
        out.extend_from_slice(member.name.as_bytes());
        out.extend_from_slice(member.data);
        entries.push((member.name, common, offset));
    }
    let end = directory(&entries, out.len()).ok_or(ContainerError::TooLarge(total))?;
    out.extend_from_slice(&end);
    Ok(out)
}

/// Reads a container: its members in order. Anything but the exact bytes [`write()`] makes of them is refused.
///
/// # Errors
/// [`ContainerError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Member<'_>>, ContainerError> {
    if bytes.len() > MAX_BUNDLE {
        return Err(ContainerError::TooLarge(bytes.len()));
    }
    if !bytes.starts_with(&LOCAL) {
        return Err(ContainerError::NotAZip);
    }
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut entries = Vec::new();
    let mut names = BTreeSet::new();
    let mut at = 0;
    while bytes[at..].starts_with(&LOCAL) {
        if members.len() == MAX_MEMBERS {
            return Err(ContainerError::TooManyMembers);
        }
        let cut_off = ContainerError::CutOff(bytes.len());
        let header = bytes.get(at..at + LOCAL_LENGTH).ok_or(cut_off.clone())?;
        let number =
            |from: usize| u32::from_le_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]]);
        let name_at = at + LOCAL_LENGTH;
        let data_at = name_at + usize::from(u16::from_le_bytes([header[26], header[27]]));
        let name = bytes.get(name_at..data_at).ok_or(cut_off.clone())?;
        let name = std::str::from_utf8(name).ok().filter(|name| is_safe_name(name));
        let name = name.ok_or(ContainerError::BadName(at))?;
        if header[METHOD_AT..METHOD_AT + 2] != [0, 0] {
            return Err(ContainerError::Compressed(name.to_owned()));
        }
        let length = usize::try_from(number(18)).unwrap_or(usize::MAX);
        let end = data_at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(cut_off)?;
        let data = &bytes[data_at..end];
        let common = common(name, data, number(14)).ok_or(ContainerError::NotCanonical(at))?;
        if let Some(wrong) = common.iter().zip(&header[4..]).position(|(ours, theirs)| ours != theirs) {
            return Err(ContainerError::NotCanonical(at + 4 + wrong));
        }
        if crc32fast::hash(data) != number(14) {
            return Err(ContainerError::Damaged(name.to_owned()));
        }
        if !names.insert(name) {
            return Err(ContainerError::Twice(name.to_owned()));
        }
        members.push(Member { name, data });
        // Within MAX_BUNDLE an offset fits.
        entries.push((name, common, u32::try_from(at).unwrap_or(u32::MAX)));
        at = end;
    }
    let expected = directory(&entries, at).ok_or(ContainerError::NotCanonical(at))?;
    let rest = &bytes[at..];
    if let Some(wrong) = expected.iter().zip(rest).position(|(ours, theirs)| ours != theirs) {
        return Err(ContainerError::NotCanonical(at + wrong));
    }
    match rest.len().cmp(&expected.len()) {
        std::cmp::Ordering::Less => Err(ContainerError::CutOff(bytes.len())),
        std::cmp::Ordering::Greater => Err(ContainerError::NotCanonical(at + expected.len())),
        std::cmp::Ordering::Equal => Ok(members),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Vec<u8> {
        let members = [
            Member { name: "README.txt", data: b"read me" },
            Member { name: "entries/7.json", data: b"{}" },
            Member { name: "empty", data: b"" },
        ];
        write(&members).expect("a container")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(contents in proptest::collection::btree_map("[a-z]{1,8}(/[a-z0-9_-]{1,9}\\.[a-z]{1,4})?", proptest::collection::vec(any::<u8>(), 0..200), 0..8)) {
            let members: Vec<Member<'_>> = contents.iter().map(|(name, data)| Member { name, data }).collect();
            let bytes = write(&members).expect("a container");
            if members.is_empty() {
                prop_assert_eq!(read(&bytes), Err(ContainerError::NotAZip));
            } else {
                prop_assert_eq!(read(&bytes), Ok(members));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), zip in any::<bool>()) {
            let bytes = if zip { [LOCAL.as_slice(), &bytes].concat() } else { bytes };
            prop_assert!(read(&bytes).is_err());
        }
    }

    #[test]
    fn one_byte_changed_added_or_taken_is_refused() {
        let good = sample();
        assert_eq!(read(&good).map(|members| members.len()), Ok(3));
        for at in 0..good.len() {
            for flip in [1_u8, 0x20, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                assert!(read(&bad).is_err(), "byte {at} ^ {flip:#x}");
            }
            assert!(read(&good[..at]).is_err(), "cut at {at}");
            let mut bad = good.clone();
            bad.insert(at, 0);
            assert!(read(&bad).is_err(), "a byte more at {at}");
        }
        assert_eq!(read(&[good.as_slice(), b"x"].concat()), Err(ContainerError::NotCanonical(good.len())));
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for bad in
            ["../x", "a/../b", "/etc/passwd", "a//b", "a/", "", ".hidden", "a\\b", "c:x", "ä", "a b", &"n".repeat(201)]
        {
            assert!(!is_safe_name(bad), "{bad}");
            assert_eq!(write(&[Member { name: bad, data: b"" }]), Err(ContainerError::BadName(0)), "{bad}");
        }
        let mut bytes = write(&[Member { name: "aaaaaaaa.txt", data: b"x" }]).expect("a container");
        let out = b"../../out.sh";
        let start = LOCAL_LENGTH;
        bytes[start..start + out.len()].copy_from_slice(out);
        assert_eq!(read(&bytes), Err(ContainerError::BadName(0)));
        assert_eq!(
            write(&[Member { name: "a", data: b"" }, Member { name: "a", data: b"" }]),
            Err(ContainerError::Twice("a".to_owned()))
        );
    }

    #[test]
    fn a_compressed_member_is_refused_whatever_it_unfolds_into() {
        let mut bytes = sample();
        bytes[METHOD_AT] = 8;
        assert_eq!(read(&bytes), Err(ContainerError::Compressed("README.txt".to_owned())));
    }
}
