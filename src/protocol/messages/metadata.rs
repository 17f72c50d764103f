//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::base::TopicId;
use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `MetadataRequest`, versions 0-13.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRequest<'a> {
    /// Null in versions 1+.
    pub topics: Option<Vec<MetadataRequestTopic<'a>>>,
    /// Versions 4+.
    pub allow_auto_topic_creation: bool,
    /// Versions 8-10.
    pub include_cluster_authorized_operations: bool,
    /// Versions 8+.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest<'_> {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl<'a> Message<'a> for MetadataRequest<'a> {
    const NAME: &'static str = "MetadataRequest";
    const API_KEY: Option<i16> = Some(3);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 13;
    const FIRST_FLEXIBLE: Option<i16> = Some(9);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let it = Self {
            topics: if version >= 1 {
                r.nullable_array(flexible, 2, |r| MetadataRequestTopic::read(r, version))?
            } else {
                Some(r.array(flexible, 2, |r| MetadataRequestTopic::read(r, version))?)
            },
            allow_auto_topic_creation: if version >= 4 { r.bool()? } else { true },
            include_cluster_authorized_operations: if (8..=10).contains(&version) {
                r.bool()?
            } else {
                false
            },
            include_topic_authorized_operations: if version >= 8 { r.bool()? } else { false },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        if version < 1 && self.topics.is_none() {
            return Err(EncodeError::null("MetadataRequest.topics", version));
        }
        w.nullable_array(flexible, self.topics.as_deref(), |w, it| {
            it.write(w, version)
        })?;
        if version >= 4 {
            w.bool(self.allow_auto_topic_creation);
        } else if !self.allow_auto_topic_creation {
            return Err(EncodeError::absent(
                "MetadataRequest.allow_auto_topic_creation",
                version,
            ));
        }
        if (8..=10).contains(&version) {
            w.bool(self.include_cluster_authorized_operations);
        } else if self.include_cluster_authorized_operations {
            return Err(EncodeError::absent(
                "MetadataRequest.include_cluster_authorized_operations",
                version,
            ));
        }
        if version >= 8 {
            w.bool(self.include_topic_authorized_operations);
        } else if self.include_topic_authorized_operations {
            return Err(EncodeError::absent(
                "MetadataRequest.include_topic_authorized_operations",
                version,
            ));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`MetadataRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataRequestTopic<'a> {
    /// Versions 10+.
    pub topic_id: TopicId,
    /// Null in versions 10+.
    pub name: Option<&'a str>,
}

impl Default for MetadataRequestTopic<'_> {
    fn default() -> Self {
        Self {
            topic_id: TopicId::ZERO,
            name: Some(""),
        }
    }
}

impl<'a> MetadataRequestTopic<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let it = Self {
            topic_id: if version >= 10 {
                r.uuid()?
            } else {
                TopicId::ZERO
            },
            name: if version >= 10 {
                r.nullable_string(flexible)?
            } else {
                Some(r.string(flexible)?)
            },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        if version < 10 && self.name.is_none() {
            return Err(EncodeError::null("MetadataRequestTopic.name", version));
        }
        w.nullable_string(flexible, self.name)?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `MetadataResponse`, versions 0-13.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponse<'a> {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataResponseBroker<'a>>,
    /// Versions 2+.
    pub cluster_id: Option<&'a str>,
    /// Versions 1+.
    pub controller_id: i32,
    pub topics: Vec<MetadataResponseTopic<'a>>,
    /// Versions 8-10.
    pub cluster_authorized_operations: i32,
    /// Versions 13+.
    pub error_code: i16,
}

impl Default for MetadataResponse<'_> {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: i32::MIN,
            error_code: 0,
        }
    }
}

impl<'a> Message<'a> for MetadataResponse<'a> {
    const NAME: &'static str = "MetadataResponse";
    const API_KEY: Option<i16> = Some(3);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 13;
    const FIRST_FLEXIBLE: Option<i16> = Some(9);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let it = Self {
            throttle_time_ms: if version >= 3 { r.i32()? } else { 0 },
            brokers: r.array(flexible, 10, |r| MetadataResponseBroker::read(r, version))?,
            cluster_id: if version >= 2 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            controller_id: if version >= 1 { r.i32()? } else { -1 },
            topics: r.array(flexible, 8, |r| MetadataResponseTopic::read(r, version))?,
            cluster_authorized_operations: if (8..=10).contains(&version) {
                r.i32()?
            } else {
                i32::MIN
            },
            error_code: if version >= 13 { r.i16()? } else { 0 },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.array(flexible, &self.brokers, |w, it| it.write(w, version))?;
        if version >= 2 {
            w.nullable_string(flexible, self.cluster_id)?;
        }
        if version >= 1 {
            w.i32(self.controller_id);
        }
        w.array(flexible, &self.topics, |w, it| it.write(w, version))?;
        if (8..=10).contains(&version) {
            w.i32(self.cluster_authorized_operations);
        } else if self.cluster_authorized_operations != i32::MIN {
            return Err(EncodeError::absent(
                "MetadataResponse.cluster_authorized_operations",
                version,
            ));
        }
        if version >= 13 {
            w.i16(self.error_code);
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MetadataResponseBroker<'a> {
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    /// Versions 1+.
    pub rack: Option<&'a str>,
}

impl<'a> MetadataResponseBroker<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let it = Self {
            node_id: r.i32()?,
            host: r.string(flexible)?,
            port: r.i32()?,
            rack: if version >= 1 {
                r.nullable_string(flexible)?
            } else {
                None
            },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        w.i32(self.node_id);
        w.string(flexible, self.host)?;
        w.i32(self.port);
        if version >= 1 {
            w.nullable_string(flexible, self.rack)?;
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponseTopic<'a> {
    pub error_code: i16,
    /// Null in versions 12+.
    pub name: Option<&'a str>,
    /// Versions 10+.
    pub topic_id: TopicId,
    /// Versions 1+.
    pub is_internal: bool,
    pub partitions: Vec<MetadataResponsePartition>,
    /// Versions 8+.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic<'_> {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(""),
            topic_id: TopicId::ZERO,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl<'a> MetadataResponseTopic<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let it = Self {
            error_code: r.i16()?,
            name: if version >= 12 {
                r.nullable_string(flexible)?
            } else {
                Some(r.string(flexible)?)
            },
            topic_id: if version >= 10 {
                r.uuid()?
            } else {
                TopicId::ZERO
            },
            is_internal: if version >= 1 { r.bool()? } else { false },
            partitions: r.array(flexible, 18, |r| {
                MetadataResponsePartition::read(r, version)
            })?,
            topic_authorized_operations: if version >= 8 { r.i32()? } else { i32::MIN },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        w.i16(self.error_code);
        if version < 12 && self.name.is_none() {
            return Err(EncodeError::null("MetadataResponseTopic.name", version));
        }
        w.nullable_string(flexible, self.name)?;
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        if version >= 1 {
            w.bool(self.is_internal);
        }
        w.array(flexible, &self.partitions, |w, it| it.write(w, version))?;
        if version >= 8 {
            w.i32(self.topic_authorized_operations);
        } else if self.topic_authorized_operations != i32::MIN {
            return Err(EncodeError::absent(
                "MetadataResponseTopic.topic_authorized_operations",
                version,
            ));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    /// Versions 7+.
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    /// Versions 5+.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            offline_replicas: Vec::new(),
        }
    }
}

impl MetadataResponsePartition {
    fn read(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let it = Self {
            error_code: r.i16()?,
            partition_index: r.i32()?,
            leader_id: r.i32()?,
            leader_epoch: if version >= 7 { r.i32()? } else { -1 },
            replica_nodes: r.array(flexible, 4, Reader::i32)?,
            isr_nodes: r.array(flexible, 4, Reader::i32)?,
            offline_replicas: if version >= 5 {
                r.array(flexible, 4, Reader::i32)?
            } else {
                Vec::new()
            },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        if version >= 7 {
            w.i32(self.leader_epoch);
        }
        w.array(flexible, &self.replica_nodes, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.array(flexible, &self.isr_nodes, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if version >= 5 {
            w.array(flexible, &self.offline_replicas, |w, it| {
                w.i32(*it);
                Ok(())
            })?;
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
