//! ApiVersions: the ranges, and clients that introduce themselves badly.

use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::ApiVersionsRequest;

use crate::client::{Request, request};
use crate::pair::Pair;

/// Names and versions of client software; version 3 began to send them (KIP-511).
const SOFTWARE: &[(&str, &str)] = &[
    ("apache-kafka-java", "4.3.1"),
    ("a", "1"),
    ("with.dots-and-dashes", "1.0-rc.1"),
    ("", "1.0"),
    ("name", ""),
    ("two words", "1.0"),
    ("-leading", "1.0"),
    ("trailing-", "1.0"),
    (".leading", "1.0"),
    ("name", "1.0."),
    ("under_score", "1.0"),
    ("ünïcode", "1.0"),
    ("name", "1/2"),
];

pub fn run(pair: &mut Pair) {
    for version in pair.versions(ApiKey::ApiVersions) {
        let named = if version < 3 {
            &SOFTWARE[..1]
        } else {
            SOFTWARE
        };
        for (name, software_version) in named {
            let asked = ApiVersionsRequest {
                client_software_name: name,
                client_software_version: software_version,
                ..ApiVersionsRequest::default()
            };
            pair.ask(&format!("software {name:?} {software_version:?}"), |_| {
                request(version, &asked)
            });
        }
    }
    for version in [6, 7, 99, i16::MAX] {
        pair.ask("a version too new", |_| of_version(version));
    }
    pair.ask("still open afterwards", |_| {
        request(0, &ApiVersionsRequest::default())
    });
}

/// A request that claims a version that nobody has. Its body is that of version 3.
fn of_version(version: i16) -> Request {
    let mut asked = request(
        3,
        &ApiVersionsRequest {
            client_software_name: "name",
            client_software_version: "1.0",
            ..ApiVersionsRequest::default()
        },
    );
    asked.frame[6..8].copy_from_slice(&version.to_be_bytes());
    asked.version = version;
    asked
}
