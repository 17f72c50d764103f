//! Values that carry their own checksum: `tag|seq|crc32|body`.

const TEXT: &str = "the quick brown fox jumps over the lazy dog 0123456789 ";

/// The value of record `seq` of `tag`.
pub fn make(tag: &str, seq: usize) -> Vec<u8> {
    let body = format!(
        "{}:{}",
        seq * 7919 % 1_000_003,
        &TEXT.repeat(20)[..seq * 37 % 900]
    );
    format!(
        "{tag}|{seq}|{:08x}|{body}",
        crc32fast::hash(body.as_bytes())
    )
    .into_bytes()
}

/// The tag and number of a value whose checksum is right.
pub fn parse(data: &[u8]) -> (String, usize) {
    let text = std::str::from_utf8(data).expect("a value of ours");
    let parts: Vec<&str> = text.splitn(4, '|').collect();
    let [tag, seq, crc, body] = parts[..] else {
        panic!("no value of ours: {text:.60}")
    };
    assert_eq!(
        format!("{:08x}", crc32fast::hash(body.as_bytes())),
        crc,
        "checksum of {tag}|{seq}"
    );
    (tag.to_owned(), seq.parse().expect("a number"))
}
