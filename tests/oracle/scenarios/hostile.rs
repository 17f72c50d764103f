//! Bytes that are no request: both brokers hang up.

use std::time::Duration;

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::*;

use crate::client::{Request, request};
use crate::pair::Pair;

/// How long a broker has to hang up.
const END: Duration = Duration::from_secs(5);

/// How long a broker is watched that should wait for the rest.
const SILENCE: Duration = Duration::from_millis(300);

pub fn run(pair: &mut Pair) {
    lengths(pair);
    headers(pair);
    for api in ApiKey::ALL {
        versions(pair, *api);
        bodies(pair, *api);
    }
    arrays(pair);
    pair.ask("well afterwards", |_| {
        request(0, &ApiVersionsRequest::default())
    });
}

fn lengths(pair: &mut Pair) {
    for length in [0, -1, i32::MIN, i32::MAX, 104_857_601] {
        pair.ask_raw(&format!("a length of {length}"), &length.to_be_bytes(), END);
    }
    pair.ask_raw(
        "an HTTP request",
        b"GET / HTTP/1.1\r\nHost: kafka\r\n\r\n",
        END,
    );
    pair.ask_raw(
        "a TLS hello",
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0],
        END,
    );
    let most = 104_857_600i32;
    pair.ask_raw(
        "the largest length and ten bytes",
        &[&most.to_be_bytes()[..], &[0; 10]].concat(),
        SILENCE,
    );
    pair.ask_raw("half a length", &[0, 0], SILENCE);
}

fn headers(pair: &mut Pair) {
    for key in [-1, 4, 5, 6, 7, 52, 58, 95, 999, i16::MAX, i16::MIN] {
        pair.ask_raw(&format!("API {key}"), &frame(&header(key, 0, b"c")), END);
    }
    let whole = header(18, 0, b"client");
    for end in [1, 2, 4, 8, 9, 12] {
        pair.ask_raw(
            &format!("a header of {end} bytes"),
            &frame(&whole[..end]),
            END,
        );
    }
    let mut no_client = header(18, 0, b"");
    no_client[8..10].copy_from_slice(&(-1i16).to_be_bytes());
    pair.ask_raw("no client id", &frame(&no_client), END);
    let mut negative = header(18, 0, b"");
    negative[8..10].copy_from_slice(&(-2i16).to_be_bytes());
    pair.ask_raw("a client id of negative length", &frame(&negative), END);
    pair.ask_raw(
        "a client id that is not UTF-8",
        &frame(&header(18, 0, &[0xff, 0xfe])),
        END,
    );
    pair.ask_raw(
        "a long client id",
        &frame(&header(18, 0, &[b'c'; 32_767])),
        END,
    );
    pair.ask_raw(
        "bytes behind a request",
        &frame(&[&header(18, 0, b"c")[..], b"more"].concat()),
        END,
    );
}

fn header(key: i16, version: i16, client: &[u8]) -> Vec<u8> {
    let length = client.len() as i16;
    let parts = [
        &key.to_be_bytes()[..],
        &version.to_be_bytes(),
        &[0, 0, 0, 9],
        &length.to_be_bytes(),
        client,
    ];
    parts.concat()
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as i32).to_be_bytes()[..], bytes].concat()
}

/// The versions around those that both serve.
fn versions(pair: &mut Pair, api: ApiKey) {
    let served = pair.versions(api);
    let above = api.spec().max_version.max(*served.end()) + 1;
    for version in [-1, served.start() - 1, above, i16::MAX] {
        // Kafka leaves gaps below some ranges for what it has forgotten, ApiVersions answers all.
        if version < *served.start() || version > *served.end() {
            let what = format!("{api:?} version {version}");
            pair.ask_raw(&what, &frame(&header(api.code(), version, b"c")), END);
        }
    }
}

/// An otherwise empty request less its last byte, and with bytes behind it.
fn bodies(pair: &mut Pair, api: ApiKey) {
    for version in pair.versions(api) {
        let whole = empty_request(api, version);
        // Some old versions have no body.
        let head = request_head_bytes(api, version);
        let body = &whole.frame[4..];
        if body.len() > head {
            let what = format!("{api:?} version {version} less a byte");
            pair.ask_raw(&what, &frame(&body[..body.len() - 1]), END);
        }
    }
}

fn request_head_bytes(api: ApiKey, version: i16) -> usize {
    let client = crate::client::CLIENT_ID.len();
    8 + 2 + client + usize::from(api.is_flexible(version))
}

/// Array lengths that lie.
fn arrays(pair: &mut Pair) {
    for claimed in [i32::MAX, 1000, 1, -2, i32::MIN] {
        let body = [&header(3, 1, b"c")[..], &claimed.to_be_bytes()].concat();
        pair.ask_raw(&format!("{claimed} topics claimed"), &frame(&body), END);
    }
    let compact: &[(&str, &[u8])] = &[
        ("the largest array", &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        (
            "an array longer than any",
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ),
        ("a varint without end", &[0xff; 12]),
        ("an array that is not there", &[0x7f]),
    ];
    for (what, bytes) in compact {
        // Metadata version 9: the header's tags, then the array.
        let body = [&header(3, 9, b"c")[..], &[0], bytes].concat();
        pair.ask_raw(what, &frame(&body), END);
    }
    let tags: &[(&str, &[u8])] = &[
        ("tags that are not there", &[5]),
        ("a tag longer than the frame", &[1, 0, 0x7f]),
        ("an unknown tag", &[1, 99, 2, 0, 0, 0, 0, 0, 0]),
    ];
    for (what, bytes) in tags {
        let body = [&header(3, 9, b"c")[..], bytes].concat();
        pair.ask_raw(what, &frame(&body), END);
    }
}

fn empty_request(api: ApiKey, version: i16) -> Request {
    macro_rules! empty {
        ($($api:ident: $request:ident,)*) => {
            match api {
                $(ApiKey::$api => request(version, &$request::default()),)*
            }
        };
    }
    empty! {
        Produce: ProduceRequest,
        Fetch: FetchRequest,
        ListOffsets: ListOffsetsRequest,
        Metadata: MetadataRequest,
        OffsetCommit: OffsetCommitRequest,
        OffsetFetch: OffsetFetchRequest,
        FindCoordinator: FindCoordinatorRequest,
        JoinGroup: JoinGroupRequest,
        Heartbeat: HeartbeatRequest,
        LeaveGroup: LeaveGroupRequest,
        SyncGroup: SyncGroupRequest,
        DescribeGroups: DescribeGroupsRequest,
        ListGroups: ListGroupsRequest,
        ApiVersions: ApiVersionsRequest,
        CreateTopics: CreateTopicsRequest,
        DeleteTopics: DeleteTopicsRequest,
        InitProducerId: InitProducerIdRequest,
        OffsetForLeaderEpoch: OffsetForLeaderEpochRequest,
        DescribeConfigs: DescribeConfigsRequest,
        CreatePartitions: CreatePartitionsRequest,
        DeleteGroups: DeleteGroupsRequest,
        OffsetDelete: OffsetDeleteRequest,
        DescribeCluster: DescribeClusterRequest,
        DescribeTopicPartitions: DescribeTopicPartitionsRequest,
    }
}
