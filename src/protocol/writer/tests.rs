use super::*;

#[test]
fn lengths_are_compact_when_flexible() {
    let written = |flexible: bool, value: Option<&str>| {
        let mut w = Writer::new();
        w.nullable_string(flexible, value).map(|()| w.into_bytes())
    };
    assert_eq!(written(false, Some("ok")), Ok(vec![0, 2, b'o', b'k']));
    assert_eq!(written(true, Some("ok")), Ok(vec![3, b'o', b'k']));
    assert_eq!(written(false, None), Ok(vec![0xff, 0xff]));
    assert_eq!(written(true, None), Ok(vec![0]));
    let long = "x".repeat(STRING_BYTES_MAX + 1);
    for flexible in [false, true] {
        let refused = Err(EncodeError::TooLong(long.len()));
        assert_eq!(written(flexible, Some(&long)), refused);
    }
}

#[test]
fn external_records_leave_gaps_and_count() {
    let mut w = Writer::new();
    w.raw(&[0; 4]);
    w.records(false, Some(Records::External { len: 1000 }))
        .unwrap();
    w.i8(7);
    w.records(true, Some(Records::External { len: 300 }))
        .unwrap();
    w.records(true, Some(Records::External { len: 0 })).unwrap();
    w.records(true, Some(Records::Inline(&[9, 9]))).unwrap();
    w.records(true, None).unwrap();
    w.patch_length(0).unwrap();
    let Encoded { buf, gaps } = w.finish();
    // 301 is 0x12d: the compact length of 300.
    assert_eq!(
        buf,
        [0, 0, 5, 0x20, 0, 0, 3, 0xe8, 7, 0xad, 2, 1, 3, 9, 9, 0]
    );
    let expected = [Gap { at: 8, len: 1000 }, Gap { at: 11, len: 300 }];
    assert_eq!(gaps, expected);
    assert_eq!(buf.len() - 4 + 1300, 0x520);
}

#[test]
fn the_size_of_a_tagged_field_comes_before_it() {
    let mut w = Writer::new();
    w.tagged_field(5, |w| {
        w.raw(&[1, 2, 3]);
        Ok(())
    })
    .unwrap();
    w.tagged_field(300, |w| {
        w.records(true, Some(Records::External { len: 200 }))
    })
    .unwrap();
    let Encoded { buf, gaps } = w.finish();
    // 202 bytes: a compact length of two, then 200 that are elsewhere.
    assert_eq!(buf, [5, 3, 1, 2, 3, 0xac, 2, 0xca, 1, 0xc9, 1]);
    assert_eq!(gaps, [Gap { at: 11, len: 200 }]);
}
