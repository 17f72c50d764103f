//! A connection to a broker before it carries load: it blocks, and nothing takes longer than it may.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::bench::error::BenchError;
use crate::io::listener::RawConnection;
use crate::protocol::frame::LENGTH_BYTES;
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::{
    ApiKey, EncodeError, ErrorCode, Message, Reader, decode_response_header, encode_request,
};

/// What the client calls itself.
pub const CLIENT_ID: &str = "ringlog-bench";

/// The largest answer that is taken. A fetch may be larger than its bound by one batch.
pub const ANSWER_BYTES_MAX: usize = 1 << 30;

/// The version of each API that broker and client have in common: the newest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Versions(BTreeMap<ApiKey, i16>);

impl Versions {
    /// From what the broker tells.
    fn common(told: &ApiVersionsResponse<'_>) -> Versions {
        let common = told.api_keys.iter().filter_map(|theirs| {
            let api = ApiKey::from_code(theirs.api_key)?;
            let ours = api.spec();
            let newest = theirs.max_version.min(ours.max_version);
            (newest >= theirs.min_version.max(ours.min_version)).then_some((api, newest))
        });
        Versions(common.collect())
    }

    /// The version to use, if there is one.
    pub fn of(&self, api: ApiKey) -> Option<i16> {
        self.0.get(&api).copied()
    }
}

/// An open connection. Its requests are answered one at a time.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    address: String,
    versions: Versions,
    correlation_id: i32,
    timeout: Duration,
}

/// A response, as bytes.
#[derive(Debug)]
pub struct Answer {
    frame: Vec<u8>,
    body: usize,
    version: i16,
    api: ApiKey,
    address: String,
}

impl Answer {
    /// Reads it.
    pub fn read<'a, R: Message<'a>>(&'a self) -> Result<R, BenchError> {
        let body = self.frame.get(self.body..).unwrap_or_default();
        R::from_bytes(body, self.version).map_err(|why| BenchError::Protocol {
            address: self.address.clone(),
            what: self.api.spec().name,
            why: why.to_string(),
        })
    }
}

impl Client {
    /// Connects, and asks the broker what it speaks.
    pub fn connect(address: &str, timeout: Duration) -> Result<Client, BenchError> {
        let stream = open(address, timeout)?;
        let mut client = Client {
            stream,
            address: address.to_owned(),
            versions: Versions::default(),
            correlation_id: 0,
            timeout,
        };
        // Version 0 is the one that every broker has.
        let answer = client.exchange(ApiKey::ApiVersions, 0, &ApiVersionsRequest::default())?;
        let told: ApiVersionsResponse<'_> = answer.read()?;
        check(told.error_code, || "ApiVersions".to_owned())?;
        client.versions = Versions::common(&told);
        Ok(client)
    }

    /// Where it is connected to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The version to use of an API.
    pub fn version_of(&self, api: ApiKey) -> Result<i16, BenchError> {
        let unsupported = || BenchError::Unsupported {
            address: self.address.clone(),
            api: api.spec().name,
        };
        self.versions.of(api).ok_or_else(unsupported)
    }

    /// Sends a request in the newest version that both have, and waits for its answer.
    pub fn call<'m, Q: Message<'m>>(
        &mut self,
        api: ApiKey,
        request: &Q,
    ) -> Result<Answer, BenchError> {
        self.exchange(api, self.version_of(api)?, request)
    }

    fn exchange<'m, Q: Message<'m>>(
        &mut self,
        api: ApiKey,
        version: i16,
        request: &Q,
    ) -> Result<Answer, BenchError> {
        debug_assert_eq!(Q::API_KEY, Some(api.code()));
        let what = api.spec().name;
        self.correlation_id += 1;
        let wrong = |why: String| BenchError::Protocol {
            address: self.address.clone(),
            what,
            why,
        };
        let encoded = encode_request(self.correlation_id, Some(CLIENT_ID), version, request)
            .map_err(|why: EncodeError| wrong(why.to_string()))?;
        let broken = |why: io::Error| match why.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => BenchError::Slow {
                address: self.address.clone(),
                what,
                seconds: self.timeout.as_secs(),
            },
            io::ErrorKind::UnexpectedEof => BenchError::Lost {
                address: self.address.clone(),
                what,
                why: io::Error::other("the broker closed it"),
            },
            _ => BenchError::Lost {
                address: self.address.clone(),
                what,
                why,
            },
        };
        self.stream.write_all(&encoded.buf).map_err(broken)?;
        let mut length = [0; LENGTH_BYTES];
        self.stream.read_exact(&mut length).map_err(broken)?;
        let claimed = i32::from_be_bytes(length);
        let len = usize::try_from(claimed)
            .ok()
            .filter(|len| *len <= ANSWER_BYTES_MAX);
        let len =
            len.ok_or_else(|| wrong(format!("a frame of {claimed} bytes: is it a Kafka broker?")))?;
        let mut frame = vec![0; len];
        self.stream.read_exact(&mut frame).map_err(broken)?;
        let mut reader = Reader::new(&frame);
        let id = decode_response_header(&mut reader, api, version);
        match id.map_err(|why| wrong(why.to_string()))? {
            id if id == self.correlation_id => {}
            id => {
                return Err(wrong(format!(
                    "correlation id {id}, not {}",
                    self.correlation_id
                )));
            }
        }
        Ok(Answer {
            body: reader.position(),
            frame,
            version,
            api,
            address: self.address.clone(),
        })
    }

    /// Gives the connection away, to be carried by an executor.
    pub fn into_connection(self) -> io::Result<RawConnection> {
        self.stream.set_read_timeout(None)?;
        self.stream.set_write_timeout(None)?;
        RawConnection::new(self.stream)
    }
}

/// Tries the addresses of a name one after the other.
fn open(address: &str, timeout: Duration) -> Result<TcpStream, BenchError> {
    let unresolved = |why| BenchError::Unresolved {
        address: address.to_owned(),
        why,
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for found in address.to_socket_addrs().map_err(unresolved)? {
        match TcpStream::connect_timeout(&found, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(why) => last = why,
        }
    }
    Err(BenchError::Connect {
        address: address.to_owned(),
        why: last,
    })
}

/// Fails unless the code of an answer is none.
pub fn check(code: i16, what: impl FnOnce() -> String) -> Result<(), BenchError> {
    check_with(code, None, what)
}

/// Fails unless the code of an answer is none, with what the broker said.
pub fn check_with(
    code: i16,
    said: Option<&str>,
    what: impl FnOnce() -> String,
) -> Result<(), BenchError> {
    if code == ErrorCode::None.code() {
        return Ok(());
    }
    let name = crate::bench::error::error_name(code);
    Err(BenchError::Refused {
        what: what(),
        why: said.map_or(name.clone(), |said| format!("{name}: {said}")),
    })
}
