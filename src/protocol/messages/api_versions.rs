//! Generated from `schema/` by `BLESS=1 cargo test --test codec generated`.

use crate::protocol::{DecodeError, EncodeError, Message, Reader, Writer};

/// `ApiVersionsRequest`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersionsRequest<'a> {
    /// Versions 3+.
    pub client_software_name: &'a str,
    /// Versions 3+.
    pub client_software_version: &'a str,
    /// Versions 5+.
    pub cluster_id: Option<&'a str>,
    /// Versions 5+.
    pub node_id: i32,
}

impl Default for ApiVersionsRequest<'_> {
    fn default() -> Self {
        Self {
            client_software_name: "",
            client_software_version: "",
            cluster_id: None,
            node_id: -1,
        }
    }
}

impl<'a> Message<'a> for ApiVersionsRequest<'a> {
    const NAME: &'static str = "ApiVersionsRequest";
    const API_KEY: Option<i16> = Some(18);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(3);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let it = Self {
            client_software_name: if version >= 3 {
                r.string(flexible)?
            } else {
                ""
            },
            client_software_version: if version >= 3 {
                r.string(flexible)?
            } else {
                ""
            },
            cluster_id: if version >= 5 {
                r.nullable_string(flexible)?
            } else {
                None
            },
            node_id: if version >= 5 { r.i32()? } else { -1 },
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        if version >= 3 {
            w.string(flexible, self.client_software_name)?;
            w.string(flexible, self.client_software_version)?;
        }
        if version >= 5 {
            w.nullable_string(flexible, self.cluster_id)?;
            w.i32(self.node_id);
        }
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// `ApiVersionsResponse`, versions 0-5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersionsResponse<'a> {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersion>,
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 3+.
    pub supported_features: Vec<SupportedFeatureKey<'a>>,
    /// Versions 3+.
    pub finalized_features_epoch: i64,
    /// Versions 3+.
    pub finalized_features: Vec<FinalizedFeatureKey<'a>>,
    /// Versions 3+.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse<'_> {
    fn default() -> Self {
        Self {
            error_code: 0,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl<'a> Message<'a> for ApiVersionsResponse<'a> {
    const NAME: &'static str = "ApiVersionsResponse";
    const API_KEY: Option<i16> = Some(18);
    const MIN_VERSION: i16 = 0;
    const MAX_VERSION: i16 = 5;
    const FIRST_FLEXIBLE: Option<i16> = Some(3);

    fn read(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let mut it = Self {
            error_code: r.i16()?,
            api_keys: r.array(flexible, 6, |r| ApiVersion::read(r, version))?,
            throttle_time_ms: if version >= 1 { r.i32()? } else { 0 },
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        };
        if flexible {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 => {
                        it.supported_features =
                            r.array(true, 6, |r| SupportedFeatureKey::read(r, version))?
                    }
                    1 => it.finalized_features_epoch = r.i64()?,
                    2 => {
                        it.finalized_features =
                            r.array(true, 6, |r| FinalizedFeatureKey::read(r, version))?
                    }
                    3 => it.zk_migration_ready = r.bool()?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        w.i16(self.error_code);
        w.array(flexible, &self.api_keys, |w, it| it.write(w, version))?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if flexible {
            let has_supported_features = !self.supported_features.is_empty();
            let has_finalized_features_epoch = self.finalized_features_epoch != -1;
            let has_finalized_features = !self.finalized_features.is_empty();
            let has_zk_migration_ready = self.zk_migration_ready;
            w.uvarint(
                u32::from(has_supported_features)
                    + u32::from(has_finalized_features_epoch)
                    + u32::from(has_finalized_features)
                    + u32::from(has_zk_migration_ready),
            );
            if has_supported_features {
                w.tagged_field(0, |w| {
                    w.array(true, &self.supported_features, |w, it| it.write(w, version))
                })?;
            }
            if has_finalized_features_epoch {
                w.tagged_field(1, |w| {
                    w.i64(self.finalized_features_epoch);
                    Ok(())
                })?;
            }
            if has_finalized_features {
                w.tagged_field(2, |w| {
                    w.array(true, &self.finalized_features, |w, it| it.write(w, version))
                })?;
            }
            if has_zk_migration_ready {
                w.tagged_field(3, |w| {
                    w.bool(self.zk_migration_ready);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl ApiVersion {
    fn read(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let it = Self {
            api_key: r.i16()?,
            min_version: r.i16()?,
            max_version: r.i16()?,
        };
        if flexible {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn write(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        w.i16(self.api_key);
        w.i16(self.min_version);
        w.i16(self.max_version);
        if flexible {
            w.uvarint(0);
        }
        Ok(())
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SupportedFeatureKey<'a> {
    pub name: &'a str,
    pub min_version: i16,
    pub max_version: i16,
}

impl<'a> SupportedFeatureKey<'a> {
    fn read(r: &mut Reader<'a>, _version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            name: r.string(true)?,
            min_version: r.i16()?,
            max_version: r.i16()?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(true, self.name)?;
        w.i16(self.min_version);
        w.i16(self.max_version);
        w.uvarint(0);
        Ok(())
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FinalizedFeatureKey<'a> {
    pub name: &'a str,
    pub max_version_level: i16,
    pub min_version_level: i16,
}

impl<'a> FinalizedFeatureKey<'a> {
    fn read(r: &mut Reader<'a>, _version: i16) -> Result<Self, DecodeError> {
        let it = Self {
            name: r.string(true)?,
            max_version_level: r.i16()?,
            min_version_level: r.i16()?,
        };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn write(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.string(true, self.name)?;
        w.i16(self.max_version_level);
        w.i16(self.min_version_level);
        w.uvarint(0);
        Ok(())
    }
}
