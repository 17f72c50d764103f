use super::*;

fn fault<T: std::fmt::Debug>(read: Result<T, DecodeError>) -> DecodeFault {
    read.expect_err("refused").fault
}

#[test]
fn varints_have_at_most_32_bits() {
    fn check(bytes: &[u8], expected: Option<u32>) {
        assert_eq!(Reader::new(bytes).uvarint().ok(), expected, "{bytes:?}");
    }
    check(&[0], Some(0));
    check(&[0x7f], Some(127));
    check(&[0x80, 1], Some(128));
    check(&[0xff, 0xff, 0xff, 0xff, 0x0f], Some(u32::MAX));
    check(&[0xff, 0xff, 0xff, 0xff, 0x1f], None);
    check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0], None);
    check(&[0x80], None);
    check(&[], None);
}

#[test]
fn strings_are_checked() {
    let read = |bytes: &'static [u8], flexible| Reader::new(bytes).nullable_string(flexible);
    assert_eq!(read(&[0, 2, b'o', b'k'], false), Ok(Some("ok")));
    assert_eq!(read(&[3, b'o', b'k'], true), Ok(Some("ok")));
    assert_eq!(read(&[0xff, 0xff], false), Ok(None));
    assert_eq!(read(&[0], true), Ok(None));
    assert_eq!(read(&[0xff, 0xfe], false), Ok(None));
    assert_eq!(fault(read(&[2, 0xff], true)), DecodeFault::Utf8);
    let short = DecodeFault::Truncated { needed: 2, left: 1 };
    assert_eq!(fault(read(&[0, 2, b'o'], false)), short);
    // 32 768 bytes claimed: refused before anything is looked at.
    let too_long = DecodeFault::Length(0x8000);
    assert_eq!(fault(read(&[0x81, 0x80, 2], true)), too_long);
    let null = Reader::new(&[0xff, 0xff]).string(false);
    assert_eq!(fault(null), DecodeFault::Null);
}

#[test]
fn an_array_must_fit_the_bytes_and_the_budget() {
    let bytes = [0, 0, 0, 2, 0, 1, 0, 2];
    let read = |budget| {
        let mut r = Reader::with_budget(&bytes, budget);
        let numbers = r.array(false, 2, Reader::i16)?;
        Ok((numbers, r.budget_bytes()))
    };
    assert_eq!(read(10), Ok((vec![1, 2], 6)));
    assert_eq!(fault(read(3)), DecodeFault::Budget);

    let mut claims = [0, 0, 0, 3, 0, 1, 0, 2];
    let refused = DecodeFault::ArrayLength {
        claimed: 3,
        left: 4,
    };
    assert_eq!(
        fault(Reader::new(&claims).array(false, 2, Reader::i16)),
        refused
    );
    claims[..4].fill(0xff);
    let null = Reader::new(&claims).nullable_array(false, 2, Reader::i16);
    assert_eq!(null, Ok(None));
}

#[test]
fn a_tagged_field_keeps_to_its_size() {
    let read = |bytes: &'static [u8]| {
        let mut seen = None;
        let mut r = Reader::new(bytes);
        r.tagged_fields(|tag, r| {
            if tag == 1 {
                seen = Some(r.i16()?);
            }
            Ok(tag == 1)
        })?;
        Ok((seen, r.position()))
    };
    assert_eq!(read(&[0, 9]), Ok((None, 1)));
    assert_eq!(read(&[2, 1, 2, 0, 5, 7, 3, 9, 9, 9, 9]), Ok((Some(5), 10)));
    let left = DecodeFault::TaggedField { tag: 1, left: 1 };
    assert_eq!(fault(read(&[1, 1, 3, 0, 5, 0])), left);
    let beyond = DecodeFault::Truncated { needed: 2, left: 1 };
    assert_eq!(fault(read(&[1, 1, 1, 0, 5, 0])), beyond);
    let error = read(&[1, 1, 9, 0]).expect_err("refused");
    assert_eq!(error.to_string(), "9 bytes claimed, 1 left at byte 3");
}
