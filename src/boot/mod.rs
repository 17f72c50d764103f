//! From the command line to a running broker, and what stands in the way of one.
//!
//! Whatever can fail without leaving a trace comes first ([`config`], [`topology`], [`checks`], the listening sockets);
//! then the data directory ([`data_dir`]), the metadata log, recovery ([`recover`]), and the shards' threads.

pub mod address;
pub mod advice;
pub mod checks;
pub mod config;
pub mod data_dir;
pub mod preview;
pub mod properties;
pub mod recover;
pub mod topology;

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::base::ShardId;
use crate::base::limits::OPEN_FILES_PER_SHARD_MAX;
use crate::control::controller::Controller;
use crate::control::draft::fresh_id;
use crate::control::metadata_log::{MetadataLog, MetadataLogError};
use crate::control::metrics::ShardMetrics;
use crate::control::run::{ControlError, ControlStart, ShardNews};
use crate::io::clock;
use crate::io::executor::spawn_shard;
use crate::io::listener::{BoundListener, ListenOptions};
use crate::mesh::{self, MeshBounds};
use crate::metadata::config::BrokerConfig;
use crate::metadata::controller::{bootstrap, reassign_shards};
use crate::metadata::{ApplyError, Broker, ClusterImage};
use crate::shard;
use crate::shard::start::{Descriptors, ShardStart};
use address::{AddressError, Addresses};
use checks::HostError;
use data_dir::{DataDir, DataDirError};
use recover::{METADATA_DIRECTORY, Recovery, forget_checkpoints};
use topology::TopologyError;

/// Everything that the command line decides.
#[derive(Debug)]
pub struct BootConfig {
    /// The broker's settings.
    pub broker: BrokerConfig,
    /// What to say about them once logging works.
    pub warnings: Vec<String>,
    /// The core of each shard.
    pub cores: Vec<usize>,
    /// Where the admin server is to listen.
    pub admin: String,
}

/// Why the broker does not run, or no longer. Each is one line.
#[derive(Debug, Error)]
pub enum BootError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// The cores.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// An address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The metadata log.
    #[error(transparent)]
    MetadataLog(#[from] MetadataLogError),
    /// The metadata log's contents against this release.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The partitions.
    #[error("cannot look at the partitions in {}: {why}", path.display())]
    Recovery {
        /// The data directory.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Threads and what connects them.
    #[error("cannot start the shards: {0}")]
    Shards(io::Error),
    /// The running broker.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Kafka's defaults for sockets are those of 2011; what nobody has set is left to the system, which knows the link.
fn listen_options(broker: &BrokerConfig) -> ListenOptions {
    let given = |name: &str, bytes: Option<i32>| {
        bytes
            .filter(|_| broker.is_given(name))
            .and_then(|bytes| usize::try_from(bytes).ok())
    };
    let (send, receive) = ("socket.send.buffer.bytes", "socket.receive.buffer.bytes");
    let mut options = ListenOptions {
        send_buffer_bytes: given(send, broker.socket_send_buffer_bytes),
        receive_buffer_bytes: given(receive, broker.socket_receive_buffer_bytes),
        ..ListenOptions::default()
    };
    if broker.is_given("socket.listen.backlog.size") {
        options.backlog = broker.socket_listen_backlog_size;
    }
    options
}

/// Runs the broker on this thread, which becomes the control thread, until it is told to stop.
pub fn run(config: BootConfig) -> Result<(), BootError> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let shards = config.cores.len();
    let nofile = checks::host(shards)?;
    let descriptors = Descriptors::of_shard(nofile, shards);
    if descriptors.segment_files < OPEN_FILES_PER_SHARD_MAX {
        tracing::warn!(
            nofile,
            connections = descriptors.connections * shards,
            "the limit of open files is low, and so is the number of connections that are served: raise it (ulimit -n)"
        );
    }
    let addresses = Addresses::resolve(&config.broker, &config.admin)?;
    let options = listen_options(&config.broker);
    let listeners = addresses.bind_kafka(shards, options)?;
    let mut core_listeners = match config.broker.advertise_per_core {
        true => addresses.bind_cores(shards, options)?.into_iter(),
        false => Vec::new().into_iter(),
    };
    let admin = addresses.bind_admin()?;
    let place = Place::of(&listeners, &admin, shards)?;
    let core_ports = ports(core_listeners.as_slice())?;
    let broker = addresses.advertised(&config.broker, place.kafka.port(), core_ports)?;

    let path = PathBuf::from(&config.broker.log_dir);
    let data_dir = DataDir::open(&path, config.broker.node_id, fresh_id)?;
    if !data_dir.direct {
        tracing::warn!(
            directory = %path.display(),
            "the file system refuses O_DIRECT: writes go through the page cache, which costs CPU and memory"
        );
    }
    let settings = Arc::new(config.broker);
    let (log, image) = open_metadata(&data_dir, &settings, broker, shards)?;
    let recovery = Recovery {
        data_dir: &path,
        clean: data_dir.clean,
        image: &image,
        shards,
        now: clock::now(),
    };
    let recovered = recovery.run().and_then(|recovered| {
        forget_checkpoints(&path)?;
        Ok(recovered)
    });
    let recovered = recovered.map_err(|why| BootError::Recovery {
        path: path.clone(),
        why,
    })?;
    data_dir.begin()?;

    let (news, heard) = unbounded_channel();
    let metrics: Arc<[ShardMetrics]> = (0..shards).map(|_| ShardMetrics::default()).collect();
    let ends = mesh::connect(shards, MeshBounds::for_shards(shards)).map_err(BootError::Shards)?;
    let starts = ends.shards.into_iter().zip(listeners).zip(recovered);
    for (index, ((mesh, listener), recovered)) in starts.enumerate() {
        let start = ShardStart {
            id: ShardId(index as u16),
            shards,
            config: settings.clone(),
            data_dir: path.clone(),
            image: image.clone(),
            recovered,
            descriptors,
            mesh,
            listener,
            core_listener: core_listeners.next(),
            metrics: metrics.clone(),
        };
        spawn(config.cores[index], start, news.clone()).map_err(BootError::Shards)?;
    }
    let start = ControlStart {
        controller: Controller::new(log, image, shards),
        mesh: ends.control,
        news: heard,
        shards,
        admin,
        metrics,
        data_dir: path,
        ready_line: place.ready_line(),
    };
    Ok(crate::control::run::run(start)?)
}

fn ports(listeners: &[BoundListener]) -> Result<Vec<u16>, AddressError> {
    let addresses: io::Result<Vec<_>> =
        listeners.iter().map(BoundListener::local_address).collect();
    let addresses = addresses.map_err(AddressError::Bind)?;
    Ok(addresses.iter().map(|address| address.port()).collect())
}

/// Where the broker has come to listen.
struct Place {
    kafka: std::net::SocketAddr,
    admin: std::net::SocketAddr,
    shards: usize,
}

impl Place {
    fn of(
        listeners: &[BoundListener],
        admin: &TcpListener,
        shards: usize,
    ) -> Result<Place, AddressError> {
        let kafka = listeners.first().ok_or(io::ErrorKind::InvalidInput.into());
        Ok(Place {
            kafka: kafka
                .and_then(BoundListener::local_address)
                .map_err(AddressError::Bind)?,
            admin: admin.local_addr().map_err(AddressError::Bind)?,
            shards,
        })
    }

    fn ready_line(&self) -> String {
        let Place {
            kafka,
            admin,
            shards,
        } = self;
        format!("ringlog ready kafka={kafka} admin={admin} shards={shards}")
    }
}

/// Reads the cluster's state, and writes down what this start changes about it: the first time the cluster's id, the
/// node's address if it is another, and where partitions go if there are more or fewer shards.
fn open_metadata(
    data_dir: &DataDir,
    settings: &Arc<BrokerConfig>,
    broker: Broker,
    shards: usize,
) -> Result<(MetadataLog, Arc<ClusterImage>), BootError> {
    let directory = data_dir.path.join(METADATA_DIRECTORY);
    let (mut log, mut image) = MetadataLog::open(&directory, settings)?;
    if !image.cluster_id().is_empty() && image.cluster_id() != data_dir.cluster_id {
        return Err(foreign(&data_dir.path, &image, &data_dir.cluster_id).into());
    }
    let now = clock::now().wall;
    let mut change = |image: &mut ClusterImage, records: Vec<_>| -> Result<(), BootError> {
        if !records.is_empty() {
            *image = image.apply(&records)?;
            log.append([records.as_slice()], now)?;
        }
        Ok(())
    };
    let records = bootstrap(&image, &data_dir.cluster_id, broker);
    change(&mut image, records)?;
    let moves = reassign_shards(&image, u16::try_from(shards).unwrap_or(u16::MAX));
    change(&mut image, moves)?;
    Ok((log, Arc::new(image)))
}

fn foreign(path: &Path, image: &ClusterImage, cluster_id: &str) -> DataDirError {
    DataDirError::Foreign {
        path: path.to_owned(),
        theirs: format!("cluster {} (its metadata log)", image.cluster_id()),
        ours: format!("cluster {cluster_id} (its meta.properties)"),
    }
}

/// Starts a shard's thread. However the thread ends, it is told.
fn spawn(core: usize, start: ShardStart, news: UnboundedSender<ShardNews>) -> io::Result<()> {
    let id = start.id;
    let mut teller = Teller {
        id,
        news,
        result: None,
    };
    spawn_shard(core, &format!("shard-{id}"), move || async move {
        teller.tell_start();
        let result = shard::run::run(start).await;
        teller.note_end(result);
    })?;
    Ok(())
}

/// Tells the end of a shard's thread, also that of one whose executor could not be made.
struct Teller {
    id: ShardId,
    news: UnboundedSender<ShardNews>,
    result: Option<io::Result<()>>,
}

impl Teller {
    fn tell_start(&self) {
        // Nobody hears it only if the broker is ending anyway.
        let _ = self.news.send(ShardNews::Started(self.id));
    }

    fn note_end(&mut self, result: io::Result<()>) {
        self.result = Some(result);
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let no_executor = || {
            let why =
                "its executor could not be made: see the limits of locked memory and open files";
            Err(io::Error::other(why))
        };
        let result = self.result.take().unwrap_or_else(no_executor);
        let _ = self.news.send(ShardNews::Ended(self.id, result));
    }
}
