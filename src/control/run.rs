//! The control thread's loop, from the first message to the orderly end.

use std::io::{self, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use super::checkpoints;
use super::controller::{Controller, Outgoing};
use super::metrics::ShardMetrics;
use super::web::{self, Pages};
use crate::base::ShardId;
use crate::base::limits::STOP_MS_MAX;
use crate::io::clock;
use crate::mesh::{Address, Endpoint, Receiver, Sender};
use crate::shard::messages::{Message, PartitionCheckpoint};

/// Signals that follow the first so soon are the same request.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// What a shard's thread tells of itself.
#[derive(Debug)]
pub enum ShardNews {
    /// Its executor runs.
    Started(ShardId),
    /// Its executor has ended, in order or with an error.
    Ended(ShardId, io::Result<()>),
}

/// Everything that the control thread begins with.
pub struct ControlStart {
    /// The cluster's state and its log.
    pub controller: Controller,
    /// The control thread's end of the mesh.
    pub mesh: Endpoint<Message>,
    /// What the shards' threads tell.
    pub news: UnboundedReceiver<ShardNews>,
    /// How many shards there are.
    pub shards: usize,
    /// Where the admin server listens.
    pub admin: TcpListener,
    /// What the shards count.
    pub metrics: Arc<[ShardMetrics]>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// What to print once everything runs.
    pub ready_line: String,
}

/// Why the broker ended, if not because it was told to.
#[derive(Debug, Error)]
pub enum ControlError {
    /// The thread's own runtime, signals or sockets.
    #[error("the control thread cannot run: {0}")]
    Runtime(#[from] io::Error),
    /// A shard ended.
    #[error("shard {0} has failed: {1}")]
    Shard(ShardId, io::Error),
    /// A shard did not drain.
    #[error("the shards did not come to an end in {} s: the next start will recover", STOP_MS_MAX / 1000)]
    Stuck,
    /// A second signal.
    #[error("stopped at once by a second signal: the next start will recover")]
    Impatient,
    /// The checkpoints of an orderly stop.
    #[error("the checkpoints of an orderly stop cannot be written: {0}")]
    Checkpoints(io::Error),
}

/// Runs the control thread on the current thread, until the broker is told to stop.
pub fn run(start: ControlStart) -> Result<(), ControlError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(start))
}

async fn serve(start: ControlStart) -> Result<(), ControlError> {
    let mut signals = Signals::new()?;
    let (sender, receiver) = start.mesh.open_on_tokio()?;
    start.admin.set_nonblocking(true)?;
    let admin = tokio::net::TcpListener::from_std(start.admin)?;
    let ready = Arc::new(AtomicBool::new(false));
    let pages = Pages {
        metrics: start.metrics,
        ready: ready.clone(),
    };
    tokio::spawn(web::serve(admin, pages));
    let mut control = Control {
        controller: start.controller,
        sender,
        receiver,
        news: start.news,
        shards: start.shards,
        ended: 0,
        drained: Vec::new(),
        batch: Vec::new(),
    };
    control.wait_for_starts().await?;
    // Whoever started the broker may have closed its output, which is no reason to stop.
    let _ = writeln!(io::stdout(), "{}", start.ready_line);
    ready.store(true, Ordering::Relaxed);
    tokio::select! {
        failure = control.serve_until_end() => return Err(failure?),
        name = signals.next() => tracing::info!(signal = name, "stopping"),
    }
    ready.store(false, Ordering::Relaxed);
    let drained = tokio::select! {
        drained = control.drain() => drained?,
        impatient = second_signal() => return Err(impatient?),
    };
    checkpoints::write(&start.data_dir, control.controller.image(), &drained)
        .map_err(ControlError::Checkpoints)
}

/// Waits for a signal that is meant as a second one: tools like timeout(1) send the first to a process and its group.
async fn second_signal() -> Result<ControlError, ControlError> {
    sleep(SAME_SIGNAL).await;
    Signals::new()?.next().await;
    Ok(ControlError::Impatient)
}

/// The signals that ask for a stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

struct Control {
    controller: Controller,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    news: UnboundedReceiver<ShardNews>,
    shards: usize,
    ended: usize,
    /// What shards have drained, each once.
    drained: Vec<Vec<PartitionCheckpoint>>,
    batch: Vec<Message>,
}

impl Control {
    async fn wait_for_starts(&mut self) -> Result<(), ControlError> {
        for _ in 0..self.shards {
            if let Some(ShardNews::Ended(shard, result)) = self.news.recv().await {
                return Err(failed(shard, result));
            }
        }
        Ok(())
    }

    /// Serves the shards; returns why one of them has ended.
    async fn serve_until_end(&mut self) -> Result<ControlError, ControlError> {
        loop {
            tokio::select! {
                () = self.receiver.recv_batch(&mut self.batch) => self.take_batch(),
                Some(news) = self.news.recv() => {
                    if let ShardNews::Ended(shard, result) = news {
                        return Ok(failed(shard, result));
                    }
                }
            }
        }
    }

    /// Has the shards drain, and serves them until all of them have ended.
    async fn drain(&mut self) -> Result<Vec<PartitionCheckpoint>, ControlError> {
        for shard in self.all_shards() {
            self.sender.reply(shard, Message::Drain);
        }
        let all_ended = async {
            while self.ended < self.shards {
                tokio::select! {
                    biased;
                    () = self.receiver.recv_batch(&mut self.batch) => self.take_batch(),
                    Some(news) = self.news.recv() => self.note_end(news)?,
                }
            }
            Ok::<(), ControlError>(())
        };
        let ended = timeout(Duration::from_millis(STOP_MS_MAX), all_ended).await;
        ended.map_err(|_| ControlError::Stuck)??;
        if self.drained.len() < self.shards {
            return Err(ControlError::Stuck);
        }
        Ok(self.drained.concat())
    }

    fn note_end(&mut self, news: ShardNews) -> Result<(), ControlError> {
        match news {
            ShardNews::Started(_) => Ok(()),
            ShardNews::Ended(_, Ok(())) => {
                self.ended += 1;
                Ok(())
            }
            ShardNews::Ended(shard, result) => Err(failed(shard, result)),
        }
    }

    fn take_batch(&mut self) {
        let mut requests = Vec::new();
        let mut out = Vec::new();
        for message in self.batch.drain(..) {
            match message {
                Message::ToControl(request) => requests.push(*request),
                Message::ImageApplied { shard, version } => {
                    self.controller.on_applied(shard, version, &mut out);
                }
                Message::Drained {
                    recovery_points, ..
                } => self.drained.push(recovery_points),
                _ => debug_assert!(false, "a message of the shards came to the control thread"),
            }
        }
        if !requests.is_empty() {
            self.controller
                .on_requests(requests, clock::now().wall, &mut out);
        }
        for outgoing in out {
            self.send(outgoing);
        }
    }

    /// Sends without waiting: answers are bounded by the requests, and images by the changes among them.
    fn send(&self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Image(image) => {
                for shard in self.all_shards() {
                    self.sender.reply(shard, Message::Image(image.clone()));
                }
            }
            Outgoing::Reply { to, token, reply } => {
                let message = Message::FromControl { token, reply };
                self.sender.reply(Address::Shard(to), message);
            }
        }
    }

    fn all_shards(&self) -> impl Iterator<Item = Address> + use<> {
        (0..self.shards).map(|index| Address::Shard(ShardId(index as u16)))
    }
}

fn failed(shard: ShardId, result: io::Result<()>) -> ControlError {
    let why = match result {
        Ok(()) => io::Error::other("it ended without being told to"),
        Err(why) => why,
    };
    ControlError::Shard(shard, why)
}
