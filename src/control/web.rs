//! The admin server: /metrics, /health/live and /health/ready. It takes a bounded number of connections, each for a
//! bounded time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use super::exposition;
use super::metrics::ShardMetrics;
use crate::base::limits::{ADMIN_CONNECTION_MS_MAX, ADMIN_CONNECTIONS_MAX};

/// How long accepting pauses when the process is out of descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// What the pages are made of.
#[derive(Clone, Debug)]
pub struct Pages {
    /// What the shards count.
    pub metrics: Arc<[ShardMetrics]>,
    /// Whether clients are served.
    pub ready: Arc<AtomicBool>,
}

/// Serves the pages for as long as it is polled.
pub async fn serve(listener: TcpListener, pages: Pages) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .with_state(pages);
    let listener = BoundedListener {
        listener,
        turns: Arc::new(Semaphore::new(ADMIN_CONNECTIONS_MAX)),
    };
    axum::serve(listener, router).await
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    match exposition::page(&pages.metrics) {
        Ok(page) => Ok(([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], page)),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn ready(State(pages): State<Pages>) -> impl IntoResponse {
    match pages.ready.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

/// Accepts when there is a turn left.
struct BoundedListener {
    listener: TcpListener,
    turns: Arc<Semaphore>,
}

impl Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (BoundedStream, SocketAddr) {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let stream = BoundedStream {
                        stream,
                        deadline: Box::pin(sleep(Duration::from_millis(ADMIN_CONNECTION_MS_MAX))),
                        _turn: turn,
                    };
                    return (stream, peer);
                }
                Err(error) => {
                    tracing::debug!(%error, "an admin connection could not be accepted");
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that gives its turn back when it ends, and that its deadline ends.
struct BoundedStream {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    _turn: OwnedSemaphorePermit,
}

impl BoundedStream {
    fn check_deadline(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.deadline.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_deadline(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_deadline(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
