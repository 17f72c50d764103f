//! An answer, ready to leave: encoded bytes, and record bytes where they lie.

use std::fmt::Display;

use crate::io::send_queue::Piece;
use crate::protocol::{DecodeError, Gap, Message, encode_response};
use crate::shard::dispatch::Header;

/// What becomes of a request.
pub enum Response {
    /// It is answered with these pieces, in order.
    Send(Vec<Piece>),
    /// It has no answer (`acks=0`).
    Nothing,
    /// The connection is closed, and this is said in the log.
    Close(String),
}

impl Response {
    /// No answer.
    pub fn none() -> Response {
        Response::Nothing
    }

    /// Close the connection.
    pub fn close(reason: String) -> Response {
        Response::Close(reason)
    }

    /// Close the connection for a request that cannot be read, as Kafka does.
    pub fn malformed(error: DecodeError) -> Response {
        Response::Close(format!("malformed request: {error}"))
    }

    /// Bytes that are framed already.
    pub fn framed(bytes: Vec<u8>) -> Response {
        Response::Send(vec![Piece::Vec(bytes)])
    }

    /// Encodes an answer without records.
    pub fn encode<'a>(header: &Header, message: &impl Message<'a>) -> Response {
        Response::encode_with(header, message, Vec::new())
    }

    /// Encodes an answer whose records are the `payload`, gap after gap.
    pub fn encode_with<'a>(
        header: &Header,
        message: &impl Message<'a>,
        payload: Vec<Piece>,
    ) -> Response {
        match encode_response(header.correlation_id, header.api_version, message) {
            Ok(encoded) => Response::Send(interleave(encoded.buf, &encoded.gaps, payload)),
            Err(error) => Response::broken(header, error),
        }
    }

    /// An answer that its version cannot carry is a fault of ours: the client must not wait for it.
    fn broken(header: &Header, error: impl Display) -> Response {
        debug_assert!(false, "cannot encode {:?}: {error}", header.api);
        Response::Close(format!(
            "cannot encode the answer to {:?}: {error}",
            header.api
        ))
    }
}

/// Puts the payload's pieces into the gaps of the encoded bytes.
fn interleave(buf: Vec<u8>, gaps: &[Gap], payload: Vec<Piece>) -> Vec<Piece> {
    if payload.is_empty() {
        return vec![Piece::Vec(buf)];
    }
    let head = bytes::Bytes::from(buf);
    let mut pieces = Vec::with_capacity(gaps.len() + payload.len() + 1);
    let mut payload = payload.into_iter();
    let mut sent = 0;
    for gap in gaps.iter().filter(|gap| gap.len > 0) {
        if gap.at > sent {
            pieces.push(Piece::Bytes(head.slice(sent..gap.at)));
            sent = gap.at;
        }
        let mut filled = 0;
        while filled < gap.len {
            let Some(piece) = payload.next() else { break };
            filled += piece.len_bytes() as usize;
            pieces.push(piece);
        }
        debug_assert_eq!(filled, gap.len, "the payload fills its gap");
    }
    if sent < head.len() {
        pieces.push(Piece::Bytes(head.slice(sent..)));
    }
    pieces
}
