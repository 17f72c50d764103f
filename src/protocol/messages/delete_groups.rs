//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `DeleteGroupsRequest`, versions 0-3.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteGroupsRequest<'a> {
    pub groups_names: Vec<&'a str>,
}

impl<'a> Message<'a> for DeleteGroupsRequest<'a> {
    const NAME: &'static str = "DeleteGroupsRequest";
    const API_KEY: Option<i16> = Some(42);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FIRST_FLEXIBLE: Option<i16> = Some(2);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            groups_names: r.array(flexible, 1, |r| r.string(flexible))?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        w.array(flexible, &self.groups_names, |w, it| w.string(flexible, it))?;
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `DeleteGroupsResponse`, versions 0-3.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteGroupsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Vec<DeletableGroupResult<'a>>,
}

impl<'a> Message<'a> for DeleteGroupsResponse<'a> {
    const NAME: &'static str = "DeleteGroupsResponse";
    const API_KEY: Option<i16> = Some(42);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 3;
    const FIRST_FLEXIBLE: Option<i16> = Some(2);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            throttle_time_ms: r.i32()?,
            results: r.array(flexible, 4, |r| DeletableGroupResult::read(r, version))?,
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

/// Part of [`DeleteGroupsResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeletableGroupResult<'a> {
    pub group_id: &'a str,
    pub error_code: i16,
    /// Versions 3+.
    pub error_message: Option<&'a str>,
}

impl<'a> DeletableGroupResult<'a> {
    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let it = Self {
            group_id: r.string(flexible)?,
            error_code: r.i16()?,
            error_message: if version >= 3 {
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
        let flexible = version >= 2;
        w.string(flexible, self.group_id)?;
        w.i16(self.error_code);
        if version >= 3 {
            w.nullable_string(flexible, self.error_message)?;
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}
