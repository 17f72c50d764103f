//! The headers before requests and responses, and whole frames of both.

use super::frame::LENGTH_BYTES;
use super::{ApiKey, DecodeError, EncodeError, Encoded, Message, Reader, Writer};

/// The header of a request, versions 1 and 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RequestHeader<'a> {
    /// The API, which may be one that we do not serve.
    pub api_key: i16,
    /// The version of the API, which may be one that we do not serve.
    pub api_version: i16,
    /// Sent back with the response.
    pub correlation_id: i32,
    /// The name that the client gave itself.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Reads the header and leaves the reader at the body.
    ///
    /// A version that the API does not have is not an error here, since ApiVersions must answer it;
    /// the header's form then follows from the first flexible version, as in Kafka. The client id has
    /// the old form even in a flexible header (KIP-482).
    pub fn decode(r: &mut Reader<'a>) -> Result<RequestHeader<'a>, DecodeError> {
        let header = RequestHeader {
            api_key: r.i16()?,
            api_version: r.i16()?,
            correlation_id: r.i32()?,
            client_id: client_id(r)?,
        };
        if ApiKey::from_code(header.api_key).is_some_and(|api| api.is_flexible(header.api_version))
        {
            r.skip_tagged_fields()?;
        }
        Ok(header)
    }
}

/// The client's name for itself. Kafka takes any bytes for it; a name that is none is empty here.
fn client_id<'a>(r: &mut Reader<'a>) -> Result<Option<&'a str>, DecodeError> {
    let Ok(len) = usize::try_from(r.i16()?) else {
        return Ok(None);
    };
    let name = r.take(len)?;
    Ok(Some(std::str::from_utf8(name).unwrap_or_default()))
}

/// Reads the header of a response to `api` in `version`: its correlation id. Leaves the reader at the
/// body.
pub fn decode_response_header(
    r: &mut Reader<'_>,
    api: ApiKey,
    version: i16,
) -> Result<i32, DecodeError> {
    let correlation_id = r.i32()?;
    if has_flexible_response_header(api.code(), api.is_flexible(version)) {
        r.skip_tagged_fields()?;
    }
    Ok(correlation_id)
}

/// A whole response frame. Its length counts the gaps, which the sender fills.
pub fn encode_response<'a, M: Message<'a>>(
    correlation_id: i32,
    version: i16,
    message: &M,
) -> Result<Encoded, EncodeError> {
    let api_key = M::API_KEY.expect("a response belongs to an API");
    let mut w = Writer::new();
    w.raw(&[0; LENGTH_BYTES]);
    w.i32(correlation_id);
    if has_flexible_response_header(api_key, is_flexible::<M>(version)) {
        w.uvarint(0);
    }
    message.encode(&mut w, version)?;
    w.patch_length(0)?;
    Ok(w.finish())
}

/// A whole request frame, for when we are the client.
pub fn encode_request<'a, M: Message<'a>>(
    correlation_id: i32,
    client_id: Option<&str>,
    version: i16,
    message: &M,
) -> Result<Encoded, EncodeError> {
    let api_key = M::API_KEY.expect("a request belongs to an API");
    let mut w = Writer::new();
    w.raw(&[0; LENGTH_BYTES]);
    w.i16(api_key);
    w.i16(version);
    w.i32(correlation_id);
    w.nullable_string(false, client_id)?;
    if is_flexible::<M>(version) {
        w.uvarint(0);
    }
    message.encode(&mut w, version)?;
    w.patch_length(0)?;
    Ok(w.finish())
}

fn is_flexible<'a, M: Message<'a>>(version: i16) -> bool {
    M::FIRST_FLEXIBLE.is_some_and(|first| version >= first)
}

/// A client that asks for a version which the broker lacks must be able to read the answer, so the
/// header of an ApiVersions response never became flexible (KIP-511).
fn has_flexible_response_header(api_key: i16, flexible: bool) -> bool {
    flexible && api_key != ApiKey::ApiVersions.code()
}

#[cfg(test)]
mod tests;
