//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `SyncGroupRequest`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncGroupRequest<'a> {
    pub group_id: &'a str,
    pub generation_id: i32,
    pub member_id: &'a str,
    /// Versions 3+.
    pub group_instance_id: Option<&'a str>,
    /// Versions 5+.
    pub protocol_type: Option<&'a str>,
    /// Versions 5+.
    pub protocol_name: Option<&'a str>,
    pub assignments: Vec<SyncGroupRequestAssignment<'a>>,
}

impl<'a> Message<'a> for SyncGroupRequest<'a> {
    const NAME: &'static str = "SyncGroupRequest";
    const API_KEY: Option<i16> = Some(14);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(4);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            group_id: r.string(flexible)?,
            generation_id: r.i32()?,
            member_id: r.string(flexible)?,
            group_instance_id: if version >= 3 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            protocol_type: if version >= 5 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            protocol_name: if version >= 5 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            assignments: r.array(flexible, 3, |r| {
                SyncGroupRequestAssignment::read(r, version)
            })?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        w.string(flexible, self.group_id)?;
        w.i32(self.generation_id);
        w.string(flexible, self.member_id)?;
        if version >= 3 {
            w.nullable_string(flexible, self.group_instance_id)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::absent(
                "SyncGroupRequest.group_instance_id",
                version,
            ));
        }
        if version >= 5 {
            w.nullable_string(flexible, self.protocol_type)?;
            w.nullable_string(flexible, self.protocol_name)?;
        }
        w.array(flexible, &self.assignments, |w, it| it.write(w, version))?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`SyncGroupRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncGroupRequestAssignment<'a> {
    pub member_id: &'a str,
    pub assignment: &'a [u8],
}

impl<'a> SyncGroupRequestAssignment<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            member_id: r.string(flexible)?,
            assignment: r.bytes(flexible)?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        w.string(flexible, self.member_id)?;
        w.bytes(flexible, self.assignment)?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `SyncGroupResponse`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SyncGroupResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Versions 5+.
    pub protocol_type: Option<&'a str>,
    /// Versions 5+.
    pub protocol_name: Option<&'a str>,
    pub assignment: &'a [u8],
}

impl<'a> Message<'a> for SyncGroupResponse<'a> {
    const NAME: &'static str = "SyncGroupResponse";
    const API_KEY: Option<i16> = Some(14);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(4);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            throttle_time_ms: if version >= 1 { r.i32()? } else { 0 },
            error_code: r.i16()?,
            protocol_type: if version >= 5 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            protocol_name: if version >= 5 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            assignment: r.bytes(flexible)?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 5 {
            w.nullable_string(flexible, self.protocol_type)?;
            w.nullable_string(flexible, self.protocol_name)?;
        }
        w.bytes(flexible, self.assignment)?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
