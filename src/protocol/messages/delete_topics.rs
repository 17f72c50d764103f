//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::base::TopicId;
use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `DeleteTopicsRequest`, versions 1-6.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteTopicsRequest<'a> {
    /// Versions 6+.
    pub topics: Vec<DeleteTopicState<'a>>,
    /// Versions 1-5.
    pub topic_names: Vec<&'a str>,
    pub timeout_ms: i32,
}

impl<'a> Message<'a> for DeleteTopicsRequest<'a> {
    const NAME: &'static str = "DeleteTopicsRequest";
    const API_KEY: Option<i16> = Some(20);
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 6;
    const FIRST_FLEXIBLE: Option<i16> = Some(4);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            topics: if version >= 6 {
                r.array(flexible, 18, |r| DeleteTopicState::read(r, version))?
            } else {
                Vec::new()
            },
            topic_names: if version <= 5 {
                r.array(flexible, 1, |r| r.string(flexible))?
            } else {
                Vec::new()
            },
            timeout_ms: r.i32()?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        if version >= 6 {
            w.array(flexible, &self.topics, |w, it| it.write(w, version))?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::absent("DeleteTopicsRequest.topics", version));
        }
        if version <= 5 {
            w.array(flexible, &self.topic_names, |w, it| w.string(flexible, it))?;
        }
        w.i32(self.timeout_ms);
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`DeleteTopicsRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteTopicState<'a> {
    pub name: Option<&'a str>,
    pub topic_id: TopicId,
}

impl<'a> DeleteTopicState<'a> {
    fn read(r: &mut Reader<'a>, _version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            name: r.nullable_string(true)?,
            topic_id: r.uuid()?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.nullable_string(true, self.name)?;
        w.uuid(self.topic_id);
        w.uvarint(0);
        Ok(())
    }
}

/// `DeleteTopicsResponse`, versions 1-6.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteTopicsResponse<'a> {
    pub throttle_time_ms: i32,
    pub responses: Vec<DeletableTopicResult<'a>>,
}

impl<'a> Message<'a> for DeleteTopicsResponse<'a> {
    const NAME: &'static str = "DeleteTopicsResponse";
    const API_KEY: Option<i16> = Some(20);
    const MIN_VERSION: i16 = 1;
    const MAX_VERSION: i16 = 6;
    const FIRST_FLEXIBLE: Option<i16> = Some(4);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            throttle_time_ms: r.i32()?,
            responses: r.array(flexible, 4, |r| DeletableTopicResult::read(r, version))?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        w.i32(self.throttle_time_ms);
        w.array(flexible, &self.responses, |w, it| it.write(w, version))?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`DeleteTopicsResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletableTopicResult<'a> {
    /// Null in versions 6+.
    pub name: Option<&'a str>,
    /// Versions 6+.
    pub topic_id: TopicId,
    pub error_code: i16,
    /// Versions 5+.
    pub error_message: Option<&'a str>,
}

impl Default for DeletableTopicResult<'_> {
    fn default() -> Self {
        Self {
            name: Some(""),
            topic_id: TopicId::ZERO,
            error_code: 0,
            error_message: None,
        }
    }
}

impl<'a> DeletableTopicResult<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            name: if version >= 6 {
                r.nullable_string(flexible)?
            } else {
                Some(r.string(flexible)?)
            },
            topic_id: if version >= 6 {
                r.uuid()?
            } else {
                TopicId::ZERO
            },
            error_code: r.i16()?,
            error_message: if version >= 5 {
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
        let flexible = version >= 4;
        if version < 6 && self.name.is_none() {
            return Err(EncodeError::null("DeletableTopicResult.name", version));
        }
        w.nullable_string(flexible, self.name)?;
        if version >= 6 {
            w.uuid(self.topic_id);
        }
        w.i16(self.error_code);
        if version >= 5 {
            w.nullable_string(flexible, self.error_message)?;
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
