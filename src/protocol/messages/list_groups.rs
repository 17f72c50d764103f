//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `ListGroupsRequest`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListGroupsRequest<'a> {
    /// Versions 4+.
    pub states_filter: Vec<&'a str>,
    /// Versions 5+.
    pub types_filter: Vec<&'a str>,
}

impl<'a> Message<'a> for ListGroupsRequest<'a> {
    const NAME: &'static str = "ListGroupsRequest";
    const API_KEY: Option<i16> = Some(16);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(3);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let it = Self {
            states_filter: if version >= 4 {
                r.array(flexible, 1, |r| r.string(flexible))?
            } else {
                Vec::new()
            },
            types_filter: if version >= 5 {
                r.array(flexible, 1, |r| r.string(flexible))?
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
        let flexible = version >= 3;
        if version >= 4 {
            w.array(flexible, &self.states_filter, |w, it| {
                w.string(flexible, it)
            })?;
        } else if !self.states_filter.is_empty() {
            return Err(EncodeError::absent(
                "ListGroupsRequest.states_filter",
                version,
            ));
        }
        if version >= 5 {
            w.array(flexible, &self.types_filter, |w, it| w.string(flexible, it))?;
        } else if !self.types_filter.is_empty() {
            return Err(EncodeError::absent(
                "ListGroupsRequest.types_filter",
                version,
            ));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `ListGroupsResponse`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListGroupsResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub groups: Vec<ListedGroup<'a>>,
}

impl<'a> Message<'a> for ListGroupsResponse<'a> {
    const NAME: &'static str = "ListGroupsResponse";
    const API_KEY: Option<i16> = Some(16);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(3);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let it = Self {
            throttle_time_ms: if version >= 1 { r.i32()? } else { 0 },
            error_code: r.i16()?,
            groups: r.array(flexible, 3, |r| ListedGroup::read(r, version))?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.array(flexible, &self.groups, |w, it| it.write(w, version))?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`ListGroupsResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ListedGroup<'a> {
    pub group_id: &'a str,
    pub protocol_type: &'a str,
    /// Versions 4+.
    pub group_state: &'a str,
    /// Versions 5+.
    pub group_type: &'a str,
}

impl<'a> ListedGroup<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let it = Self {
            group_id: r.string(flexible)?,
            protocol_type: r.string(flexible)?,
            group_state: if version >= 4 {
                r.string(flexible)?
            } else {
                ""
            },
            group_type: if version >= 5 {
                r.string(flexible)?
            } else {
                ""
            },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        w.string(flexible, self.group_id)?;
        w.string(flexible, self.protocol_type)?;
        if version >= 4 {
            w.string(flexible, self.group_state)?;
        }
        if version >= 5 {
            w.string(flexible, self.group_type)?;
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
