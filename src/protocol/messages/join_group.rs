//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `JoinGroupRequest`, versions 0-9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupRequest<'a> {
    pub group_id: &'a str,
    pub session_timeout_ms: i32,
    /// Versions 1+.
    pub rebalance_timeout_ms: i32,
    pub member_id: &'a str,
    /// Versions 5+.
    pub group_instance_id: Option<&'a str>,
    pub protocol_type: &'a str,
    pub protocols: Vec<JoinGroupRequestProtocol<'a>>,
    /// Versions 8+.
    pub reason: Option<&'a str>,
}

impl Default for JoinGroupRequest<'_> {
    fn default() -> Self {
        Self {
            group_id: "",
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: "",
            group_instance_id: None,
            protocol_type: "",
            protocols: Vec::new(),
            reason: None,
        }
    }
}

impl<'a> Message<'a> for JoinGroupRequest<'a> {
    const NAME: &'static str = "JoinGroupRequest";
    const API_KEY: Option<i16> = Some(11);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 9;
    const FIRST_FLEXIBLE: Option<i16> = Some(6);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            group_id: r.string(flexible)?,
            session_timeout_ms: r.i32()?,
            rebalance_timeout_ms: if version >= 1 { r.i32()? } else { -1 },
            member_id: r.string(flexible)?,
            group_instance_id: if version >= 5 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            protocol_type: r.string(flexible)?,
            protocols: r.array(flexible, 3, |r| JoinGroupRequestProtocol::read(r, version))?,
            reason: if version >= 8 {
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
        let flexible = version >= 6;
        w.string(flexible, self.group_id)?;
        w.i32(self.session_timeout_ms);
        if version >= 1 {
            w.i32(self.rebalance_timeout_ms);
        }
        w.string(flexible, self.member_id)?;
        if version >= 5 {
            w.nullable_string(flexible, self.group_instance_id)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::absent(
                "JoinGroupRequest.group_instance_id",
                version,
            ));
        }
        w.string(flexible, self.protocol_type)?;
        w.array(flexible, &self.protocols, |w, it| it.write(w, version))?;
        if version >= 8 {
            w.nullable_string(flexible, self.reason)?;
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`JoinGroupRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JoinGroupRequestProtocol<'a> {
    pub name: &'a str,
    pub metadata: &'a [u8],
}

impl<'a> JoinGroupRequestProtocol<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            name: r.string(flexible)?,
            metadata: r.bytes(flexible)?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        w.string(flexible, self.name)?;
        w.bytes(flexible, self.metadata)?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `JoinGroupResponse`, versions 0-9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupResponse<'a> {
    /// Versions 2+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub generation_id: i32,
    /// Versions 7+.
    pub protocol_type: Option<&'a str>,
    /// Null in versions 7+.
    pub protocol_name: Option<&'a str>,
    pub leader: &'a str,
    /// Versions 9+.
    pub skip_assignment: bool,
    pub member_id: &'a str,
    pub members: Vec<JoinGroupResponseMember<'a>>,
}

impl Default for JoinGroupResponse<'_> {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(""),
            leader: "",
            skip_assignment: false,
            member_id: "",
            members: Vec::new(),
        }
    }
}

impl<'a> Message<'a> for JoinGroupResponse<'a> {
    const NAME: &'static str = "JoinGroupResponse";
    const API_KEY: Option<i16> = Some(11);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 9;
    const FIRST_FLEXIBLE: Option<i16> = Some(6);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            throttle_time_ms: if version >= 2 { r.i32()? } else { 0 },
            error_code: r.i16()?,
            generation_id: r.i32()?,
            protocol_type: if version >= 7 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            protocol_name: if version >= 7 {
                r.nullable_string(flexible)?
            } else {
                Some(r.string(flexible)?)
            },
            leader: r.string(flexible)?,
            skip_assignment: if version >= 9 { r.bool()? } else { false },
            member_id: r.string(flexible)?,
            members: r.array(flexible, 4, |r| JoinGroupResponseMember::read(r, version))?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        if version >= 2 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.i32(self.generation_id);
        if version >= 7 {
            w.nullable_string(flexible, self.protocol_type)?;
        }
        if version < 7 && self.protocol_name.is_none() {
            return Err(EncodeError::null(
                "JoinGroupResponse.protocol_name",
                version,
            ));
        }
        w.nullable_string(flexible, self.protocol_name)?;
        w.string(flexible, self.leader)?;
        if version >= 9 {
            w.bool(self.skip_assignment);
        } else if self.skip_assignment {
            return Err(EncodeError::absent(
                "JoinGroupResponse.skip_assignment",
                version,
            ));
        }
        w.string(flexible, self.member_id)?;
        w.array(flexible, &self.members, |w, it| it.write(w, version))?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`JoinGroupResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JoinGroupResponseMember<'a> {
    pub member_id: &'a str,
    /// Versions 5+.
    pub group_instance_id: Option<&'a str>,
    pub metadata: &'a [u8],
}

impl<'a> JoinGroupResponseMember<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let it = Self {
            member_id: r.string(flexible)?,
            group_instance_id: if version >= 5 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            metadata: r.bytes(flexible)?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        w.string(flexible, self.member_id)?;
        if version >= 5 {
            w.nullable_string(flexible, self.group_instance_id)?;
        }
        w.bytes(flexible, self.metadata)?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
