//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `LeaveGroupRequest`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LeaveGroupRequest<'a> {
    pub group_id: &'a str,
    /// Versions 0-2.
    pub member_id: &'a str,
    /// Versions 3+.
    pub members: Vec<MemberIdentity<'a>>,
}

impl<'a> Message<'a> for LeaveGroupRequest<'a> {
    const NAME: &'static str = "LeaveGroupRequest";
    const API_KEY: Option<i16> = Some(13);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(4);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            group_id: r.string(flexible)?,
            member_id: if version <= 2 {
                r.string(flexible)?
            } else {
                ""
            },
            members: if version >= 3 {
                r.array(flexible, 3, |r| MemberIdentity::read(r, version))?
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
        let flexible = version >= 4;
        w.string(flexible, self.group_id)?;
        if version <= 2 {
            w.string(flexible, self.member_id)?;
        } else if !self.member_id.is_empty() {
            return Err(EncodeError::absent("LeaveGroupRequest.member_id", version));
        }
        if version >= 3 {
            w.array(flexible, &self.members, |w, it| it.write(w, version))?;
        } else if !self.members.is_empty() {
            return Err(EncodeError::absent("LeaveGroupRequest.members", version));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`LeaveGroupRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MemberIdentity<'a> {
    pub member_id: &'a str,
    pub group_instance_id: Option<&'a str>,
    /// Versions 5+.
    pub reason: Option<&'a str>,
}

impl<'a> MemberIdentity<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            member_id: r.string(flexible)?,
            group_instance_id: r.nullable_string(flexible)?,
            reason: if version >= 5 {
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
        w.string(flexible, self.member_id)?;
        w.nullable_string(flexible, self.group_instance_id)?;
        if version >= 5 {
            w.nullable_string(flexible, self.reason)?;
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `LeaveGroupResponse`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LeaveGroupResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Versions 3+.
    pub members: Vec<MemberResponse<'a>>,
}

impl<'a> Message<'a> for LeaveGroupResponse<'a> {
    const NAME: &'static str = "LeaveGroupResponse";
    const API_KEY: Option<i16> = Some(13);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(4);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            throttle_time_ms: if version >= 1 { r.i32()? } else { 0 },
            error_code: r.i16()?,
            members: if version >= 3 {
                r.array(flexible, 5, |r| MemberResponse::read(r, version))?
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
        let flexible = version >= 4;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 3 {
            w.array(flexible, &self.members, |w, it| it.write(w, version))?;
        } else if !self.members.is_empty() {
            return Err(EncodeError::absent("LeaveGroupResponse.members", version));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`LeaveGroupResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberResponse<'a> {
    pub member_id: &'a str,
    pub group_instance_id: Option<&'a str>,
    pub error_code: i16,
}

impl Default for MemberResponse<'_> {
    fn default() -> Self {
        Self {
            member_id: "",
            group_instance_id: Some(""),
            error_code: 0,
        }
    }
}

impl<'a> MemberResponse<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let it = Self {
            member_id: r.string(flexible)?,
            group_instance_id: r.nullable_string(flexible)?,
            error_code: r.i16()?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        w.string(flexible, self.member_id)?;
        w.nullable_string(flexible, self.group_instance_id)?;
        w.i16(self.error_code);
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
