//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `FindCoordinatorRequest`, versions 0-6.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FindCoordinatorRequest<'a> {
    /// Versions 0-3.
    pub key: &'a str,
    /// Versions 1+.
    pub key_type: i8,
    /// Versions 4+.
    pub coordinator_keys: Vec<&'a str>,
}

impl<'a> Message<'a> for FindCoordinatorRequest<'a> {
    const NAME: &'static str = "FindCoordinatorRequest";
    const API_KEY: Option<i16> = Some(10);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FIRST_FLEXIBLE: Option<i16> = Some(3);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let it = Self {
            key: if version <= 3 {
                r.string(flexible)?
            } else {
                ""
            },
            key_type: if version >= 1 { r.i8()? } else { 0 },
            coordinator_keys: if version >= 4 {
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
        if version <= 3 {
            w.string(flexible, self.key)?;
        } else if !self.key.is_empty() {
            return Err(EncodeError::absent("FindCoordinatorRequest.key", version));
        }
        if version >= 1 {
            w.i8(self.key_type);
        } else if self.key_type != 0 {
            return Err(EncodeError::absent(
                "FindCoordinatorRequest.key_type",
                version,
            ));
        }
        if version >= 4 {
            w.array(flexible, &self.coordinator_keys, |w, it| {
                w.string(flexible, it)
            })?;
        } else if !self.coordinator_keys.is_empty() {
            return Err(EncodeError::absent(
                "FindCoordinatorRequest.coordinator_keys",
                version,
            ));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `FindCoordinatorResponse`, versions 0-6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindCoordinatorResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0-3.
    pub error_code: i16,
    /// Versions 1-3.
    pub error_message: Option<&'a str>,
    /// Versions 0-3.
    pub node_id: i32,
    /// Versions 0-3.
    pub host: &'a str,
    /// Versions 0-3.
    pub port: i32,
    /// Versions 4+.
    pub coordinators: Vec<Coordinator<'a>>,
}

impl Default for FindCoordinatorResponse<'_> {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(""),
            node_id: 0,
            host: "",
            port: 0,
            coordinators: Vec::new(),
        }
    }
}

impl<'a> Message<'a> for FindCoordinatorResponse<'a> {
    const NAME: &'static str = "FindCoordinatorResponse";
    const API_KEY: Option<i16> = Some(10);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 6;
    const FIRST_FLEXIBLE: Option<i16> = Some(3);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let it = Self {
            throttle_time_ms: if version >= 1 { r.i32()? } else { 0 },
            error_code: if version <= 3 { r.i16()? } else { 0 },
            error_message: if (1..=3).contains(&version) {
                r.nullable_string(flexible)?
            } else {
                Some("")
            },
            node_id: if version <= 3 { r.i32()? } else { 0 },
            host: if version <= 3 {
                r.string(flexible)?
            } else {
                ""
            },
            port: if version <= 3 { r.i32()? } else { 0 },
            coordinators: if version >= 4 {
                r.array(flexible, 14, |r| Coordinator::read(r, version))?
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
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if version <= 3 {
            w.i16(self.error_code);
        } else if self.error_code != 0 {
            return Err(EncodeError::absent(
                "FindCoordinatorResponse.error_code",
                version,
            ));
        }
        if (1..=3).contains(&version) {
            w.nullable_string(flexible, self.error_message)?;
        }
        if version <= 3 {
            w.i32(self.node_id);
        } else if self.node_id != 0 {
            return Err(EncodeError::absent(
                "FindCoordinatorResponse.node_id",
                version,
            ));
        }
        if version <= 3 {
            w.string(flexible, self.host)?;
        } else if !self.host.is_empty() {
            return Err(EncodeError::absent("FindCoordinatorResponse.host", version));
        }
        if version <= 3 {
            w.i32(self.port);
        } else if self.port != 0 {
            return Err(EncodeError::absent("FindCoordinatorResponse.port", version));
        }
        if version >= 4 {
            w.array(flexible, &self.coordinators, |w, it| it.write(w, version))?;
        } else if !self.coordinators.is_empty() {
            return Err(EncodeError::absent(
                "FindCoordinatorResponse.coordinators",
                version,
            ));
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`FindCoordinatorResponse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinator<'a> {
    pub key: &'a str,
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
}

impl Default for Coordinator<'_> {
    fn default() -> Self {
        Self {
            key: "",
            node_id: 0,
            host: "",
            port: 0,
            error_code: 0,
            error_message: Some(""),
        }
    }
}

impl<'a> Coordinator<'a> {
    fn read(r: &mut Reader<'a>, _version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            key: r.string(true)?,
            node_id: r.i32()?,
            host: r.string(true)?,
            port: r.i32()?,
            error_code: r.i16()?,
            error_message: r.nullable_string(true)?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(true, self.key)?;
        w.i32(self.node_id);
        w.string(true, self.host)?;
        w.i32(self.port);
        w.i16(self.error_code);
        w.nullable_string(true, self.error_message)?;
        w.uvarint(0);
        Ok(())
    }
}
