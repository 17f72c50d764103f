//! The API table says of each API what the schema says.

use ringlog::protocol::ApiKey;
use ringlog::protocol::catalog::{CATALOG, Role};

#[test]
fn the_api_table_agrees_with_the_schema() {
    for entry in CATALOG.iter().filter(|entry| entry.role != Role::Other) {
        let key = entry.api_key.expect("an API has a key");
        let spec = ApiKey::from_code(key)
            .expect("every API is in the table")
            .spec();
        let kind = if entry.role == Role::Request {
            "Request"
        } else {
            "Response"
        };
        assert_eq!(format!("{}{kind}", spec.name), entry.name);
        assert_eq!(spec.min_version, entry.min_version, "{}", entry.name);
        assert_eq!(spec.first_flexible, entry.first_flexible, "{}", entry.name);
        // The newest version of InitProducerId is unstable in Kafka 4.4 (KIP-939) and not served.
        let unstable = i16::from(spec.key == ApiKey::InitProducerId);
        assert_eq!(
            spec.max_version + unstable,
            entry.max_version,
            "{}",
            entry.name
        );
    }
    assert_eq!(
        CATALOG
            .iter()
            .filter(|entry| entry.role == Role::Request)
            .count(),
        ApiKey::ALL.len()
    );
}
