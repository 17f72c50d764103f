//! The API table: what is served, in which versions, and where.

/// Who answers an API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plane {
    /// The shards, from the cluster image or from the partitions they own.
    Data,
    /// The shard whose coordinator owns the group.
    Group,
    /// The control thread, since the answer changes or reads more than a shard has.
    Control,
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiSpec {
    /// The API.
    pub key: ApiKey,
    /// Its name, as Kafka spells it.
    pub name: &'static str,
    /// The oldest version served.
    pub min_version: i16,
    /// The newest version served.
    pub max_version: i16,
    /// The oldest version that ApiVersions tells.
    pub advertised_min_version: i16,
    /// The first version with compact lengths and tagged fields, if any.
    pub first_flexible: Option<i16>,
    /// Who answers.
    pub plane: Plane,
}

macro_rules! api_table {
    ($($name:ident = $key:literal: $min:literal-$max:literal, flexible $flexible:expr, $plane:ident;)*) => {
        /// An API that Ringlog serves.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(i16)]
        #[allow(missing_docs)] // The names are Kafka's own.
        pub enum ApiKey {
            $($name = $key,)*
        }

        impl ApiKey {
            /// Every API, in the order of the keys.
            pub const ALL: &'static [ApiKey] = &[$(ApiKey::$name,)*];

            /// The API with this key, if it is served.
            pub const fn from_code(key: i16) -> Option<ApiKey> {
                match key {
                    $($key => Some(ApiKey::$name),)*
                    _ => None,
                }
            }

            /// The API's row.
            pub const fn spec(self) -> ApiSpec {
                match self {
                    $(ApiKey::$name => ApiSpec {
                        key: self,
                        name: stringify!($name),
                        min_version: $min,
                        max_version: $max,
                        advertised_min_version: advertised_min(self, $min),
                        first_flexible: $flexible,
                        plane: Plane::$plane,
                    },)*
                }
            }
        }
    };
}

api_table! {
    Produce = 0: 3-13, flexible Some(9), Data;
    Fetch = 1: 4-18, flexible Some(12), Data;
    ListOffsets = 2: 1-11, flexible Some(6), Data;
    Metadata = 3: 0-13, flexible Some(9), Data;
    OffsetCommit = 8: 2-10, flexible Some(8), Group;
    OffsetFetch = 9: 1-10, flexible Some(6), Group;
    FindCoordinator = 10: 0-6, flexible Some(3), Data;
    JoinGroup = 11: 0-9, flexible Some(6), Group;
    Heartbeat = 12: 0-4, flexible Some(4), Group;
    LeaveGroup = 13: 0-5, flexible Some(4), Group;
    SyncGroup = 14: 0-5, flexible Some(4), Group;
    DescribeGroups = 15: 0-6, flexible Some(5), Group;
    ListGroups = 16: 0-5, flexible Some(3), Group;
    ApiVersions = 18: 0-5, flexible Some(3), Data;
    CreateTopics = 19: 2-7, flexible Some(5), Control;
    DeleteTopics = 20: 1-6, flexible Some(4), Control;
    InitProducerId = 22: 0-5, flexible Some(2), Control;
    OffsetForLeaderEpoch = 23: 2-4, flexible Some(4), Data;
    DescribeConfigs = 32: 1-4, flexible Some(4), Control;
    CreatePartitions = 37: 0-3, flexible Some(2), Control;
    DeleteGroups = 42: 0-3, flexible Some(2), Group;
    OffsetDelete = 47: 0-0, flexible None, Group;
    DescribeCluster = 60: 0-2, flexible Some(0), Data;
    DescribeTopicPartitions = 75: 0-0, flexible Some(0), Data;
}

/// Versions 0 to 2 of Produce are told but refused: librdkafka takes their absence for a broker
/// without compression and silently sends everything uncompressed (KAFKA-18659).
const fn advertised_min(key: ApiKey, min_version: i16) -> i16 {
    match key {
        ApiKey::Produce => 0,
        _ => min_version,
    }
}

impl ApiKey {
    /// The API's number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether this version is served.
    pub const fn supports(self, version: i16) -> bool {
        let spec = self.spec();
        spec.min_version <= version && version <= spec.max_version
    }

    /// Whether this version has compact lengths, tagged fields and the header to match. Holds for
    /// versions beyond those served too.
    pub const fn is_flexible(self, version: i16) -> bool {
        match self.spec().first_flexible {
            Some(first) => version >= first,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_to_their_rows() {
        let mut last = -1;
        for api in ApiKey::ALL {
            assert_eq!(ApiKey::from_code(api.code()), Some(*api));
            assert_eq!(api.spec().key, *api);
            assert!(api.spec().min_version <= api.spec().max_version);
            assert!(api.code() > last, "{api:?} is out of order");
            last = api.code();
        }
        for unknown in [-1, 4, 17, 95, i16::MAX] {
            assert_eq!(ApiKey::from_code(unknown), None);
        }
    }

    #[test]
    fn produce_is_told_from_zero_but_served_from_three() {
        assert_eq!(ApiKey::Produce.spec().advertised_min_version, 0);
        assert!(!ApiKey::Produce.supports(2) && ApiKey::Produce.supports(3));
        assert!(!ApiKey::InitProducerId.supports(6), "version 6 is unstable");
    }
}
