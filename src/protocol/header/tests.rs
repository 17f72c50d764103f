use super::*;
use crate::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FetchRequest, FetchResponse, HeartbeatResponse,
    MetadataRequest, ProduceResponse, fetch, produce,
};
use crate::protocol::{Gap, Records};

fn decode(bytes: &[u8]) -> (RequestHeader<'_>, &[u8]) {
    let mut r = Reader::new(bytes);
    let header = RequestHeader::decode(&mut r).expect("a header");
    (header, r.rest())
}

#[test]
fn request_headers_follow_the_version() {
    let header = |api_key, api_version, client_id| RequestHeader {
        api_key,
        api_version,
        correlation_id: 5,
        client_id,
    };
    let check = |bytes: &[u8], expected, body: &[u8]| {
        assert_eq!(decode(bytes), (expected, body), "{bytes:?}");
    };
    check(
        &[0, 3, 0, 8, 0, 0, 0, 5, 0, 1, b'c', 9],
        header(3, 8, Some("c")),
        &[9],
    );
    check(
        &[0, 3, 0, 9, 0, 0, 0, 5, 0xff, 0xff, 0, 9],
        header(3, 9, None),
        &[9],
    );
    // A tagged field that we do not know.
    check(
        &[0, 3, 0, 9, 0, 0, 0, 5, 0, 1, b'c', 1, 77, 2, 1, 1, 9],
        header(3, 9, Some("c")),
        &[9],
    );
    // ApiVersions from the future, which must be answered.
    check(
        &[0, 18, 0, 99, 0, 0, 0, 5, 0, 1, b'c', 0, 9],
        header(18, 99, Some("c")),
        &[9],
    );
    // An API that is not served: the form of its header is unknown, its beginning is not.
    check(
        &[0x10, 0, 0, 0, 0, 0, 0, 5, 0, 1, b'c', 9],
        header(0x1000, 0, Some("c")),
        &[9],
    );
}

#[test]
fn responses_are_whole_frames() {
    let answer = HeartbeatResponse {
        throttle_time_ms: 0,
        error_code: 27,
    };
    let frame = |version| encode_response(7, version, &answer).expect("a frame").buf;
    assert_eq!(frame(0), [0, 0, 0, 6, 0, 0, 0, 7, 0, 27]);
    assert_eq!(frame(4), [0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 27, 0]);

    let read = |frame: &[u8], api, version| {
        let mut r = Reader::new(&frame[LENGTH_BYTES..]);
        let correlation_id = decode_response_header(&mut r, api, version).expect("a header");
        (correlation_id, r.rest().len())
    };
    assert_eq!(read(&frame(0), ApiKey::Heartbeat, 0), (7, 2));
    assert_eq!(read(&frame(4), ApiKey::Heartbeat, 4), (7, 7));

    // The header of this one never became flexible; its defaults are not written.
    let versions = encode_response(7, 3, &ApiVersionsResponse::default()).expect("a frame");
    assert_eq!(
        versions.buf,
        [0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 0]
    );
    assert_eq!(read(&versions.buf, ApiKey::ApiVersions, 3), (7, 8));
}

#[test]
fn requests_are_whole_frames() {
    let request = ApiVersionsRequest::default();
    let frame = encode_request(7, Some("me"), 0, &request)
        .expect("a frame")
        .buf;
    assert_eq!(
        frame,
        [0, 0, 0, 12, 0, 18, 0, 0, 0, 0, 0, 7, 0, 2, b'm', b'e']
    );
    let frame = encode_request(7, None, 3, &request).expect("a frame").buf;
    let header = [0, 18, 0, 3, 0, 0, 0, 7, 0xff, 0xff, 0];
    assert_eq!(frame[LENGTH_BYTES..][..header.len()], header);
    assert_eq!(&frame[LENGTH_BYTES + header.len()..], [1, 1, 0]);
}

#[test]
fn records_of_a_fetch_stay_where_they_are() {
    let partitions = vec![fetch::PartitionData {
        records: Some(Records::External { len: 4096 }),
        ..Default::default()
    }];
    let answer = FetchResponse {
        responses: vec![fetch::FetchableTopicResponse {
            topic: "t",
            partitions,
            ..Default::default()
        }],
        ..Default::default()
    };
    let frame = encode_response(1, 11, &answer).expect("a frame");
    let claimed = i32::from_be_bytes(*frame.buf.first_chunk().unwrap()) as usize;
    assert_eq!(claimed, frame.buf.len() - LENGTH_BYTES + 4096);
    assert_eq!(
        frame.gaps,
        [Gap {
            at: frame.buf.len(),
            len: 4096
        }]
    );
}

#[test]
fn what_a_version_lacks_is_refused_or_dropped() {
    let refused = |field, version| Some(EncodeError::FieldNotInVersion { field, version });
    let fetch = FetchRequest {
        rack_id: "ignorable",
        ..Default::default()
    };
    assert!(encode_request(1, None, 4, &fetch).is_ok());

    let metadata = MetadataRequest {
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let error = encode_request(1, None, 3, &metadata).err();
    assert_eq!(
        error,
        refused("MetadataRequest.allow_auto_topic_creation", 3)
    );
    assert!(encode_request(1, None, 4, &metadata).is_ok());

    let all = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    let null = EncodeError::Null {
        field: "MetadataRequest.topics",
        version: 0,
    };
    assert_eq!(encode_request(1, None, 0, &all).err(), Some(null));
    assert!(encode_request(1, None, 1, &all).is_ok());

    let leader = produce::NodeEndpoint {
        node_id: 1,
        host: "h",
        port: 9092,
        rack: None,
    };
    let produce = ProduceResponse {
        node_endpoints: vec![leader],
        ..Default::default()
    };
    let error = encode_response(1, 9, &produce).err();
    assert_eq!(error, refused("ProduceResponse.node_endpoints", 9));

    let version = EncodeError::Version {
        message: "ProduceResponse",
        version: 2,
    };
    assert_eq!(encode_response(1, 2, &produce).err(), Some(version));
}
