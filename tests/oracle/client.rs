//! One connection to one broker, through Ringlog's own codec.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ringlog::protocol::catalog::{CATALOG, Role};
use ringlog::protocol::{
    ApiKey, ErrorCode, FrameSplitter, Message, Reader, Split, decode_response_header,
    encode_request,
};

use crate::normalise::Tree;

/// The client id that every request carries; brokers build member ids from it.
pub const CLIENT_ID: &str = "oracle";

/// Answers of the tests are far smaller.
const FRAME_BYTES_MAX: usize = 64 << 20;

/// A request, encoded but for its correlation id.
#[derive(Clone, Debug)]
pub struct Request {
    /// The API that it calls.
    pub api: ApiKey,
    /// The version in which it is written.
    pub version: i16,
    /// The whole frame, its length first.
    pub frame: Vec<u8>,
    /// The message, for people.
    pub shown: String,
}

/// Encodes a request.
pub fn request<'a, M: Message<'a> + Debug>(version: i16, message: &M) -> Request {
    let encoded = encode_request(0, Some(CLIENT_ID), version, message)
        .unwrap_or_else(|fault| panic!("{} version {version}: {fault}", M::NAME));
    let api = M::API_KEY.and_then(ApiKey::from_code);
    Request {
        api: api.expect("a request of an API that is served"),
        version,
        frame: encoded.buf,
        shown: format!("{message:?}"),
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub enum Heard {
    /// An answer to the oldest request that has none yet.
    Answer(Answer),
    /// The broker closed the connection.
    Closed,
    /// Nothing within the time given.
    Silence,
}

impl Heard {
    /// The answer, if it is one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Heard::Answer(answer) => Some(answer),
            Heard::Closed | Heard::Silence => None,
        }
    }
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    api: ApiKey,
    version: i16,
    body: Vec<u8>,
}

impl Answer {
    fn new(api: ApiKey, version: i16, correlation_id: i32, frame: &[u8]) -> Answer {
        let mut reader = Reader::new(frame);
        let echoed = decode_response_header(&mut reader, api, version).expect("a response header");
        assert_eq!(
            echoed, correlation_id,
            "{api:?} v{version}: answers in order"
        );
        let body = reader.rest().to_vec();
        let unsupported = body.starts_with(&ErrorCode::UnsupportedVersion.code().to_be_bytes());
        Answer {
            api,
            // A broker that lacks the version says so in the oldest form (KIP-511).
            version: if api == ApiKey::ApiVersions && unsupported {
                0
            } else {
                version
            },
            body,
        }
    }

    /// The typed message.
    pub fn decode<'a, M: Message<'a>>(&'a self) -> M {
        M::from_bytes(&self.body, self.version)
            .unwrap_or_else(|fault| panic!("{} version {}: {fault}", M::NAME, self.version))
    }

    /// Every field. A body that is not exactly what our encoder would write, because bytes are left
    /// over or default values are sent as tagged fields, has one field more.
    pub fn tree(&self) -> Tree {
        let entry = CATALOG
            .iter()
            .find(|it| it.role == Role::Response && it.api_key == Some(self.api.code()))
            .expect("every API has a response");
        let mut reader = Reader::new(&self.body);
        match (entry.transcode)(&mut reader, self.version) {
            Err(fault) => Tree::Leaf(format!("undecodable: {fault}")),
            Ok(again) => {
                let mut tree = Tree::parse(&again.debug);
                if again.bytes.as_ref() != Ok(&self.body) {
                    let odd = format!("{:?} for {:?}", self.body, again.bytes);
                    tree.add_field("wire", Tree::Leaf(odd));
                }
                tree
            }
        }
    }
}

/// A connection.
pub struct Link {
    stream: Option<TcpStream>,
    received: Vec<u8>,
    next_correlation_id: i32,
    unanswered: VecDeque<(i32, ApiKey, i16)>,
}

impl Link {
    /// Connects; a broker that does not listen is heard as closed.
    pub fn open(address: SocketAddr) -> Link {
        let stream = TcpStream::connect(address).ok();
        if let Some(stream) = &stream {
            stream.set_nodelay(true).expect("a TCP socket");
        }
        Link {
            stream,
            received: Vec::new(),
            next_correlation_id: 1,
            unanswered: VecDeque::new(),
        }
    }

    /// Sends a request that will be answered.
    pub fn send(&mut self, request: &Request) {
        let correlation_id = self.next_correlation_id;
        let mut frame = request.frame.clone();
        frame[8..12].copy_from_slice(&correlation_id.to_be_bytes());
        self.unanswered
            .push_back((correlation_id, request.api, request.version));
        self.next_correlation_id += 1;
        self.send_raw(&frame);
    }

    /// Sends bytes as they are. A peer that has closed already is heard later.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            let _ = stream.write_all(bytes);
        }
    }

    /// Waits for the answer to the oldest request that has none, for the end of the connection, or
    /// until `limit` is over.
    pub fn hear(&mut self, limit: Duration) -> Heard {
        match self.hear_frame(limit) {
            Err(ended) => ended,
            Ok(frame) => {
                let (correlation_id, api, version) =
                    self.unanswered.pop_front().expect("nobody answers unasked");
                Heard::Answer(Answer::new(api, version, correlation_id, &frame))
            }
        }
    }

    /// What follows on bytes sent raw: `answered`, `closed` or `silent`.
    pub fn hear_bytes(&mut self, limit: Duration) -> &'static str {
        match self.hear_frame(limit) {
            Ok(_) | Err(Heard::Answer(_)) => "answered",
            Err(Heard::Closed) => "closed",
            Err(Heard::Silence) => "silent",
        }
    }

    fn hear_frame(&mut self, limit: Duration) -> Result<Vec<u8>, Heard> {
        let Some(stream) = &mut self.stream else {
            return Err(Heard::Closed);
        };
        let deadline = Instant::now() + limit;
        let mut chunk = vec![0; 64 << 10];
        loop {
            let split = FrameSplitter::new(FRAME_BYTES_MAX).split(&self.received);
            if let Split::Frame(bytes) = split.expect("an honest frame") {
                let frame = self.received[4..4 + bytes].to_vec();
                self.received.drain(..4 + bytes);
                return Ok(frame);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Heard::Silence);
            }
            stream.set_read_timeout(Some(left)).expect("a TCP socket");
            match stream.read(&mut chunk) {
                Ok(0) => return Err(Heard::Closed),
                Ok(read) => self.received.extend_from_slice(&chunk[..read]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Err(Heard::Silence);
                }
                Err(_) => return Err(Heard::Closed),
            }
        }
    }
}
