//! A shard: one executor pinned to one core, the partitions it owns, the coordinators beside them, and the connections
//! that landed on it. Nothing here is shared with another core; what another core owns is asked for by one hop.
//!
//! | to see | look at |
//! | --- | --- |
//! | how a frame becomes an answer | [`connection`], [`dispatch`], [`response`] |
//! | one API | the file of its name; groups in [`groups`] |
//! | what happens where a partition lives | [`append`], [`read`], [`lookups`] |
//! | how effects become I/O | [`apply`] |
//! | what crosses to other cores | [`messages`], [`calls`] |
//! | how cluster state arrives | [`images`] |
//! | start and stop | [`run`], [`drain`] |

pub mod acks;
pub mod api_versions;
pub mod append;
pub mod apply;
pub mod arrivals;
pub mod calls;
pub mod connection;
pub mod connections;
pub mod control;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_topic_partitions;
pub mod dispatch;
pub mod drain;
pub mod fetch;
pub mod fetch_session;
pub mod founding;
pub mod groups;
pub mod images;
pub mod init_producer_id;
pub mod list_offsets;
pub mod lookups;
pub mod messages;
pub mod metadata;
pub mod metrics;
pub mod offset_for_leader_epoch;
pub mod oneshot;
pub mod open_files;
pub mod operations;
pub mod partition_files;
pub mod partitions;
pub mod pressure;
pub mod produce;
pub mod read;
pub mod response;
pub mod run;
pub mod scatter;
pub mod settings;
pub mod start;
pub mod syncs;
pub mod timer;
pub mod upkeep;
pub mod watch;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::{Now, PartitionIndex, ShardId, TopicPartition};
use crate::control::messages::{ControlCall, ControlReply, ControlRequest};
use crate::io::chunk::ChunkPool;
use crate::io::clock;
use crate::io::disk::DiskRing;
use crate::io::executor;
use crate::mesh::{Address, Sender};
use crate::metadata::ClusterImage;
use crate::metadata::config::BrokerConfig;
use crate::protocol::ErrorCode;
use acks::Acks;
use apply::DiskOps;
use arrivals::Arrivals;
use calls::{Calls, Pending};
use connections::Connections;
use fetch_session::FetchSessions;
use groups::host::GroupHost;
use images::Applying;
use init_producer_id::ProducerIds;
use messages::{Call, Message, Reply};
use metrics::Metrics;
use open_files::OpenFiles;
use partitions::Hosted;
use pressure::Pressure;
use start::Descriptors;
use timer::Bell;
use watch::Watchers;

/// One core's part of the broker.
pub struct Shard {
    /// Which one.
    pub id: ShardId,
    /// How many there are.
    pub shards: usize,
    /// The broker's settings.
    pub config: Arc<BrokerConfig>,
    /// Where the logs are.
    pub data_dir: PathBuf,
    /// What this shard counts.
    pub metrics: Metrics,
    /// The files that it has open.
    pub files: OpenFiles,
    /// What it may have open.
    pub descriptors: Descriptors,
    /// Memory for tails.
    pub pool: Arc<ChunkPool>,
    /// Its ring for files.
    pub disk: DiskRing,
    /// What the ring is doing.
    pub disk_ops: DiskOps,
    /// The syncs that wait for their round.
    pub syncs: syncs::SyncRounds,
    /// The new partitions that wait for their round.
    pub founding: founding::Founding,
    /// Who waits for the disk.
    pub acks: Acks,
    /// Who waits for news of partitions.
    pub watchers: Watchers,
    /// Who waits for other shards.
    pub calls: Calls,
    /// Its connections.
    pub connections: Connections,
    /// Its fetch sessions.
    pub sessions: RefCell<FetchSessions>,
    /// The producer ids that it may hand out.
    pub producer_ids: ProducerIds,
    /// When to read no more.
    pub pressure: Pressure,
    /// Its requests that have not arrived whole.
    pub arrivals: Arrivals,
    image: RefCell<Arc<ClusterImage>>,
    applying: RefCell<Applying>,
    partitions: RefCell<HashMap<TopicPartition, Rc<Hosted>>>,
    groups: RefCell<HashMap<TopicPartition, Rc<GroupHost>>>,
    dirty: RefCell<Vec<Rc<Hosted>>>,
    dirty_bell: Bell,
    timer_bell: Bell,
    /// Calls of other shards that are being served, so that they can be cancelled.
    serving: RefCell<HashMap<(ShardId, u64), executor::Task<()>>>,
    mesh: Sender<Message>,
    draining: Cell<bool>,
}

impl Shard {
    /// The cluster's state, as this shard knows it.
    pub fn image(&self) -> Arc<ClusterImage> {
        self.image.borrow().clone()
    }

    /// A reading of the clocks.
    pub fn now(&self) -> Now {
        clock::now()
    }

    /// A partition that this shard owns.
    pub fn hosted(&self, id: TopicPartition) -> Option<Rc<Hosted>> {
        self.partitions.borrow().get(&id).cloned()
    }

    /// What a request for a partition is told that is not, or no longer, this shard's.
    pub fn not_hosted(&self, id: TopicPartition) -> ErrorCode {
        match self.image.borrow().partition(id.topic, id.partition) {
            Some(_) => ErrorCode::NotLeaderOrFollower,
            None => ErrorCode::UnknownTopicOrPartition,
        }
    }

    /// Who owns a partition of the topic with this name.
    pub fn locate(
        &self,
        topic: &str,
        partition: PartitionIndex,
    ) -> Result<(ShardId, TopicPartition), ErrorCode> {
        let image = self.image.borrow();
        let topic = image
            .topic(topic)
            .ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let info = topic
            .partition(partition)
            .ok_or(ErrorCode::UnknownTopicOrPartition)?;
        Ok((
            info.shard,
            TopicPartition {
                topic: topic.id,
                partition,
            },
        ))
    }

    /// Notes that a partition has I/O to start; all such are pumped together once the core is through with what is
    /// ready now.
    pub fn mark_dirty(&self, hosted: &Rc<Hosted>) {
        if !hosted.dirty.replace(true) {
            self.dirty.borrow_mut().push(hosted.clone());
            self.dirty_bell.ring();
        }
    }

    /// Runs a task of this shard's until it ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        executor::spawn(task).detach();
    }

    /// Asks the owner of partitions. What this shard owns itself is changed before this returns.
    pub fn call(self: &Rc<Self>, owner: ShardId, call: Call) -> Pending {
        if owner == self.id {
            return Pending::local(self.serve(call));
        }
        self.metrics.hops.increment();
        let (token, receiver) = self.calls.open();
        self.send(
            owner,
            Message::Call {
                from: self.id,
                token,
                call,
            },
        );
        Pending::remote(self.clone(), owner, token, receiver)
    }

    /// Asks the control thread.
    pub async fn call_control(&self, call: ControlCall) -> Option<ControlReply> {
        let (token, receiver) = self.calls.open_control();
        let request = ControlRequest {
            from: self.id,
            token,
            call,
        };
        self.mesh
            .send(Address::Control, Message::ToControl(Box::new(request)))
            .await;
        self.metrics.mesh_messages.increment();
        receiver.await
    }

    /// Sends to another shard, in order; what finds no room is kept and sent on, while connections are not read.
    pub fn send(self: &Rc<Self>, to: ShardId, message: Message) {
        self.metrics.mesh_messages.increment();
        let message = match self.pressure.has_deferred(to) {
            true => message,
            false => match self.mesh.try_send(Address::Shard(to), message) {
                Ok(()) => return,
                Err(full) => full.0,
            },
        };
        if self.pressure.defer(to, message) {
            let shard = self.clone();
            self.spawn(async move {
                while let Some(message) = shard.pressure.next_deferred(to) {
                    shard.mesh.send(Address::Shard(to), message).await;
                    shard.pressure.sent();
                }
            });
        }
    }

    /// Does an owner's work. What has to keep its order has happened when this returns.
    fn serve(self: &Rc<Self>, call: Call) -> Pin<Box<dyn Future<Output = Reply>>> {
        match call {
            Call::Produce(job) => append::produce(self, job),
            Call::Fetch(job) => read::fetch(self, job),
            Call::Watch(job) => read::watch(self, job),
            Call::Offsets(queries) => lookups::offsets(self, queries),
            Call::EpochEnds(queries) => {
                Box::pin(std::future::ready(lookups::epoch_ends(self, &queries)))
            }
            Call::Group(job) => {
                let host = self.groups.borrow().get(&job.partition).cloned();
                match host {
                    Some(host) => host.serve(self, job.request),
                    None => {
                        let reply = Reply::Group(Box::new(Err(ErrorCode::NotCoordinator)));
                        Box::pin(std::future::ready(reply))
                    }
                }
            }
        }
    }

    /// The group timers have to be looked at again.
    pub fn timers_changed(&self) {
        self.timer_bell.ring();
    }

    /// How many connections this shard may have: its part of the broker's `max.connections`, if there are descriptors for
    /// so many.
    pub fn connections_max(&self) -> usize {
        usize::try_from(self.config.max_connections)
            .unwrap_or(0)
            .div_ceil(self.shards)
            .min(self.descriptors.connections)
    }

    /// Tells how many connections there are.
    pub fn count_connections(&self) {
        self.metrics.connections.set(self.connections.len() as u64);
    }

    /// Unguessable bytes.
    pub fn random_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        // The kernel's generator fails only before it was first seeded, long before a broker runs.
        getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
        bytes
    }
}
