//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::base::TopicId;
use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `OffsetFetchRequest`, versions 1-10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchRequest<'a> {
    /// Versions 1-7.
    pub group_id: &'a str,
    /// Versions 1-7. Null in versions 2-7.
    pub topics: Option<Vec<OffsetFetchRequestTopic<'a>>>,
    /// Versions 8+.
    pub groups: Vec<OffsetFetchRequestGroup<'a>>,
    /// Versions 7+.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest<'_> {
    fn default() -> Self {
        Self {
            group_id: "",
            topics: Some(Vec::new()),
            groups: Vec::new(),
            require_stable: false,
        }
    }
}

impl<'a> Message<'a> for OffsetFetchRequest<'a> {
    const NAME: &'static str = "OffsetFetchRequest";
    const API_KEY: Option<i16> = Some(9);
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 10;
    const FIRST_FLEXIBLE: Option<i16> = Some(6);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            group_id: if version <= 7 {
                r.string(flexible)?
            } else {
                ""
            },
            topics: if version <= 7 {
                if version >= 2 {
                    r.nullable_array(flexible, 3, |r| OffsetFetchRequestTopic::read(r, version))?
                } else {
                    Some(r.array(flexible, 3, |r| OffsetFetchRequestTopic::read(r, version))?)
                }
            } else {
                Some(Vec::new())
            },
            groups: if version >= 8 {
                r.array(flexible, 3, |r| OffsetFetchRequestGroup::read(r, version))?
            } else {
                Vec::new()
            },
            require_stable: if version >= 7 { r.bool()? } else { false },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        if version <= 7 {
            w.string(flexible, self.group_id)?;
        } else if !self.group_id.is_empty() {
            return Err(EncodeError::absent("OffsetFetchRequest.group_id", version));
        }
        if version <= 7 {
            if version < 2 && self.topics.is_none() {
                return Err(EncodeError::null("OffsetFetchRequest.topics", version));
            }
            w.nullable_array(flexible, self.topics.as_deref(), |w, it| {
                it.write(w, version)
            })?;
        } else if self.topics.as_ref().is_none_or(|it| !it.is_empty()) {
            return Err(EncodeError::absent("OffsetFetchRequest.topics", version));
        }
        if version >= 8 {
            w.array(flexible, &self.groups, |w, it| it.write(w, version))?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::absent("OffsetFetchRequest.groups", version));
        }
        if version >= 7 {
            w.bool(self.require_stable);
        } else if self.require_stable {
            return Err(EncodeError::absent(
                "OffsetFetchRequest.require_stable",
                version,
            ));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchRequestTopic<'a> {
    pub name: &'a str,
    pub partition_indexes: Vec<i32>,
}

impl<'a> OffsetFetchRequestTopic<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            name: r.string(flexible)?,
            partition_indexes: r.array(flexible, 4, Reader::i32)?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        w.string(flexible, self.name)?;
        w.array(flexible, &self.partition_indexes, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchRequestGroup<'a> {
    pub group_id: &'a str,
    /// Versions 9+.
    pub member_id: Option<&'a str>,
    /// Versions 9+.
    pub member_epoch: i32,
    pub topics: Option<Vec<OffsetFetchRequestTopics<'a>>>,
}

impl Default for OffsetFetchRequestGroup<'_> {
    fn default() -> Self {
        Self {
            group_id: "",
            member_id: None,
            member_epoch: -1,
            topics: Some(Vec::new()),
        }
    }
}

impl<'a> OffsetFetchRequestGroup<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            group_id: r.string(true)?,
            member_id: if version >= 9 {
                r.nullable_string(true)?
            } else {
                None
            },
            member_epoch: if version >= 9 { r.i32()? } else { -1 },
            topics: r.nullable_array(true, 3, |r| OffsetFetchRequestTopics::read(r, version))?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(true, self.group_id)?;
        if version >= 9 {
            w.nullable_string(true, self.member_id)?;
            w.i32(self.member_epoch);
        }
        w.nullable_array(true, self.topics.as_deref(), |w, it| it.write(w, version))?;
        w.uvarint(0);
        Ok(())
    }
}

/// Part of [`OffsetFetchRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchRequestTopics<'a> {
    /// Versions 8-9.
    pub name: &'a str,
    /// Versions 10+.
    pub topic_id: TopicId,
    pub partition_indexes: Vec<i32>,
}

impl<'a> OffsetFetchRequestTopics<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            name: if version <= 9 { r.string(true)? } else { "" },
            topic_id: if version >= 10 {
                r.uuid()?
            } else {
                TopicId::ZERO
            },
            partition_indexes: r.array(true, 4, Reader::i32)?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 9 {
            w.string(true, self.name)?;
        }
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        w.array(true, &self.partition_indexes, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.uvarint(0);
        Ok(())
    }
}

/// `OffsetFetchResponse`, versions 1-10.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponse<'a> {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    /// Versions 1-7.
    pub topics: Vec<OffsetFetchResponseTopic<'a>>,
    /// Versions 2-7.
    pub error_code: i16,
    /// Versions 8+.
    pub groups: Vec<OffsetFetchResponseGroup<'a>>,
}

impl<'a> Message<'a> for OffsetFetchResponse<'a> {
    const NAME: &'static str = "OffsetFetchResponse";
    const API_KEY: Option<i16> = Some(9);
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 10;
    const FIRST_FLEXIBLE: Option<i16> = Some(6);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            throttle_time_ms: if version >= 3 { r.i32()? } else { 0 },
            topics: if version <= 7 {
                r.array(flexible, 3, |r| OffsetFetchResponseTopic::read(r, version))?
            } else {
                Vec::new()
            },
            error_code: if (2..=7).contains(&version) {
                r.i16()?
            } else {
                0
            },
            groups: if version >= 8 {
                r.array(flexible, 5, |r| OffsetFetchResponseGroup::read(r, version))?
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
        let flexible = version >= 6;
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        if version <= 7 {
            w.array(flexible, &self.topics, |w, it| it.write(w, version))?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::absent("OffsetFetchResponse.topics", version));
        }
        if (2..=7).contains(&version) {
            w.i16(self.error_code);
        }
        if version >= 8 {
            w.array(flexible, &self.groups, |w, it| it.write(w, version))?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::absent("OffsetFetchResponse.groups", version));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponseTopic<'a> {
    pub name: &'a str,
    pub partitions: Vec<OffsetFetchResponsePartition<'a>>,
}

impl<'a> OffsetFetchResponseTopic<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            name: r.string(flexible)?,
            partitions: r.array(flexible, 16, |r| {
                OffsetFetchResponsePartition::read(r, version)
            })?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        w.string(flexible, self.name)?;
        w.array(flexible, &self.partitions, |w, it| it.write(w, version))?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchResponsePartition<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Versions 5+.
    pub committed_leader_epoch: i32,
    pub metadata: Option<&'a str>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition<'_> {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(""),
            error_code: 0,
        }
    }
}

impl<'a> OffsetFetchResponsePartition<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            partition_index: r.i32()?,
            committed_offset: r.i64()?,
            committed_leader_epoch: if version >= 5 { r.i32()? } else { -1 },
            metadata: r.nullable_string(flexible)?,
            error_code: r.i16()?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if version >= 5 {
            w.i32(self.committed_leader_epoch);
        }
        w.nullable_string(flexible, self.metadata)?;
        w.i16(self.error_code);
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponseGroup<'a> {
    pub group_id: &'a str,
    pub topics: Vec<OffsetFetchResponseTopics<'a>>,
    pub error_code: i16,
}

impl<'a> OffsetFetchResponseGroup<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            group_id: r.string(true)?,
            topics: r.array(true, 3, |r| OffsetFetchResponseTopics::read(r, version))?,
            error_code: r.i16()?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.string(true, self.group_id)?;
        w.array(true, &self.topics, |w, it| it.write(w, version))?;
        w.i16(self.error_code);
        w.uvarint(0);
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OffsetFetchResponseTopics<'a> {
    /// Versions 8-9.
    pub name: &'a str,
    /// Versions 10+.
    pub topic_id: TopicId,
    pub partitions: Vec<OffsetFetchResponsePartitions<'a>>,
}

impl<'a> OffsetFetchResponseTopics<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            name: if version <= 9 { r.string(true)? } else { "" },
            topic_id: if version >= 10 {
                r.uuid()?
            } else {
                TopicId::ZERO
            },
            partitions: r.array(true, 20, |r| {
                OffsetFetchResponsePartitions::read(r, version)
            })?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if version <= 9 {
            w.string(true, self.name)?;
        }
        if version >= 10 {
            w.uuid(self.topic_id);
        }
        w.array(true, &self.partitions, |w, it| it.write(w, version))?;
        w.uvarint(0);
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetFetchResponsePartitions<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub metadata: Option<&'a str>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions<'_> {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(""),
            error_code: 0,
        }
    }
}

impl<'a> OffsetFetchResponsePartitions<'a> {
    fn read(r: &mut Reader<'a>, _version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            partition_index: r.i32()?,
            committed_offset: r.i64()?,
            committed_leader_epoch: r.i32()?,
            metadata: r.nullable_string(true)?,
            error_code: r.i16()?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        w.i32(self.committed_leader_epoch);
        w.nullable_string(true, self.metadata)?;
        w.i16(self.error_code);
        w.uvarint(0);
        Ok(())
    }
}
