//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `CreatePartitionsRequest`, versions 0-3.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatePartitionsRequest<'a> {
    pub topics: Vec<CreatePartitionsTopic<'a>>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl<'a> Message<'a> for CreatePartitionsRequest<'a> {
    const NAME: &'static str = "CreatePartitionsRequest";
    const API_KEY: Option<i16> = Some(37);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FIRST_FLEXIBLE: Option<i16> = Some(2);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            topics: r.array(flexible, 7, |r| CreatePartitionsTopic::read(r, version))?,
            timeout_ms: r.i32()?,
            validate_only: r.bool()?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        w.array(flexible, &self.topics, |w, it| it.write(w, version))?;
        w.i32(self.timeout_ms);
        w.bool(self.validate_only);
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`CreatePartitionsRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitionsTopic<'a> {
    pub name: &'a str,
    pub count: i32,
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

impl Default for CreatePartitionsTopic<'_> {
    fn default() -> Self {
        Self {
            name: "",
            count: 0,
            assignments: Some(Vec::new()),
        }
    }
}

impl<'a> CreatePartitionsTopic<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            name: r.string(flexible)?,
            count: r.i32()?,
            assignments: r.nullable_array(flexible, 2, |r| {
                CreatePartitionsAssignment::read(r, version)
            })?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        w.string(flexible, self.name)?;
        w.i32(self.count);
        w.nullable_array(flexible, self.assignments.as_deref(), |w, it| {
            it.write(w, version)
        })?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`CreatePartitionsRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatePartitionsAssignment {
    pub broker_ids: Vec<i32>,
}

impl CreatePartitionsAssignment {
    fn read(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            broker_ids: r.array(flexible, 4, Reader::i32)?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        w.array(flexible, &self.broker_ids, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `CreatePartitionsResponse`, versions 0-3.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatePartitionsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Vec<CreatePartitionsTopicResult<'a>>,
}

impl<'a> Message<'a> for CreatePartitionsResponse<'a> {
    const NAME: &'static str = "CreatePartitionsResponse";
    const API_KEY: Option<i16> = Some(37);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FIRST_FLEXIBLE: Option<i16> = Some(2);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            throttle_time_ms: r.i32()?,
            results: r.array(flexible, 5, |r| {
                CreatePartitionsTopicResult::read(r, version)
            })?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        w.i32(self.throttle_time_ms);
        w.array(flexible, &self.results, |w, it| it.write(w, version))?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`CreatePartitionsResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CreatePartitionsTopicResult<'a> {
    pub name: &'a str,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
}

impl<'a> CreatePartitionsTopicResult<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            name: r.string(flexible)?,
            error_code: r.i16()?,
            error_message: r.nullable_string(flexible)?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        w.string(flexible, self.name)?;
        w.i16(self.error_code);
        w.nullable_string(flexible, self.error_message)?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
