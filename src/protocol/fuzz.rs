//! Fuzz entries of the decoders. None may panic, whatever the bytes; a message that was read must be
//! writable in its version, and what was written must read back the same.

use super::catalog::{CATALOG, Entry, Role};
use super::{DecodeError, Reader, RequestHeader};

/// Memory that a fuzzed message may take: small, so that the budget is met too.
const BUDGET_BYTES: usize = 1 << 20;

/// Any request: the first byte chooses it, the second its version, the rest is its body.
pub fn fuzz_request(bytes: &[u8]) {
    fuzz_message(Role::Request, bytes);
}

/// Any response: the first byte chooses it, the second its version, the rest is its body.
pub fn fuzz_response(bytes: &[u8]) {
    fuzz_message(Role::Response, bytes);
}

/// Any other message: the first byte chooses it, the second its version, the rest is the message.
pub fn fuzz_other_message(bytes: &[u8]) {
    fuzz_message(Role::Other, bytes);
}

/// A whole frame as a broker gets it: header, then the body that it names.
pub fn fuzz_request_frame(bytes: &[u8]) {
    let mut r = Reader::with_budget(bytes, BUDGET_BYTES);
    let Ok(header) = RequestHeader::decode(&mut r) else {
        return;
    };
    let request =
        |entry: &&Entry| entry.role == Role::Request && entry.api_key == Some(header.api_key);
    if let Some(entry) = CATALOG.iter().find(request) {
        let _ = check(entry, header.api_version, r.rest());
    }
}

fn fuzz_message(role: Role, bytes: &[u8]) {
    let [choice, version, body @ ..] = bytes else {
        return;
    };
    let entries: Vec<&Entry> = CATALOG.iter().filter(|entry| entry.role == role).collect();
    let entry = entries[usize::from(*choice) % entries.len()];
    // One version beyond each end is tried too.
    let versions = entry.max_version - entry.min_version + 3;
    let version = entry.min_version - 1 + i16::from(*version) % versions;
    let _ = check(entry, version, body);
}

/// Reads, writes and reads again.
fn check(entry: &Entry, version: i16, body: &[u8]) -> Result<(), DecodeError> {
    let mut r = Reader::with_budget(body, BUDGET_BYTES);
    let first = (entry.transcode)(&mut r, version)?;
    assert!(r.position() <= body.len() && r.budget_bytes() <= BUDGET_BYTES);
    let written = first.bytes.expect("what was read can be written");
    let mut again = Reader::with_budget(&written, BUDGET_BYTES);
    let second = (entry.transcode)(&mut again, version).expect("what was written can be read");
    assert_eq!(first.debug, second.debug, "{} v{version}", entry.name);
    assert!(again.rest().is_empty(), "all that was written is read");
    assert_eq!(second.bytes.as_deref(), Ok(&*written));
    Ok(())
}
