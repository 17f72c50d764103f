//! A shard from its start to its end: its tasks, and what the mesh brings.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

use crate::base::limits::{MESH_TURNS, TAIL_POOL_BYTES_MAX};
use crate::io::chunk::ChunkPool;
use crate::io::executor::{self, yield_to_io};
use crate::io::listener::{Listener, RawConnection};
use crate::mesh::{Address, Receiver};
use crate::shard::arrivals::Arrivals;
use crate::shard::calls::Calls;
use crate::shard::connection::Port;
use crate::shard::connections::Connections;
use crate::shard::fetch_session::FetchSessions;
use crate::shard::messages::Message;
use crate::shard::metrics::Metrics;
use crate::shard::open_files::OpenFiles;
use crate::shard::partitions::Hosted;
use crate::shard::pressure::Pressure;
use crate::shard::start::{RecoveredPartition, ShardStart};
use crate::shard::timer::Bell;
use crate::shard::{Shard, apply, connection, drain, timer, upkeep};

/// Runs a shard on the current executor until it has drained.
pub async fn run(start: ShardStart) -> io::Result<()> {
    executor::spawn(timer::start()).detach();
    let (sender, mut receiver) = start.mesh.open_on_shard()?;
    let slots =
        usize::try_from(start.config.max_incremental_fetch_session_cache_slots).unwrap_or(0);
    let index = start.id.index();
    let shard = Rc::new(Shard {
        id: start.id,
        shards: start.shards,
        config: start.config,
        data_dir: start.data_dir,
        metrics: Metrics::new(start.metrics, start.id),
        files: OpenFiles::new(start.descriptors.segment_files),
        descriptors: start.descriptors,
        pool: ChunkPool::new(TAIL_POOL_BYTES_MAX),
        disk: apply::disk_ring(),
        syncs: Default::default(),
        founding: Default::default(),
        disk_ops: Default::default(),
        acks: Default::default(),
        watchers: Default::default(),
        calls: Calls::default(),
        connections: Connections::default(),
        sessions: RefCell::new(FetchSessions::new(
            index,
            start.shards,
            slots.div_ceil(start.shards),
        )),
        producer_ids: Default::default(),
        pressure: Pressure::new(start.shards),
        arrivals: Arrivals::default(),
        image: RefCell::new(start.image.clone()),
        applying: RefCell::default(),
        partitions: RefCell::default(),
        groups: RefCell::default(),
        dirty: RefCell::default(),
        dirty_bell: Bell::default(),
        timer_bell: Bell::default(),
        serving: RefCell::new(HashMap::new()),
        mesh: sender,
        draining: Cell::new(false),
    });
    for recovered in start.recovered {
        shard.take_in(recovered);
    }
    shard.host_missing(&start.image);
    shard.spawn(pump_when_dirty(shard.clone()));
    shard.spawn(shard.clone().run_sync_rounds());
    shard.spawn(shard.clone().run_founding_rounds());
    shard.spawn(shard.clone().complete_disk_ops());
    shard.spawn(upkeep::run_group_timers(shard.clone()));
    shard.spawn(upkeep::run_periodic(shard.clone()));
    let accepting = accept(shard.clone(), start.listener.listen_here()?);
    let mut accepting = vec![executor::spawn(accepting)];
    if let Some(own) = start.core_listener {
        let accepting_here = accept_for_this_core(shard.clone(), own.listen_here()?);
        accepting.push(executor::spawn(accepting_here));
    }
    serve_mesh(&shard, &mut receiver).await;
    for task in accepting {
        task.cancel().await;
    }
    drain::drain(&shard, &mut receiver).await;
    Ok(())
}

async fn pump_when_dirty(shard: Rc<Shard>) {
    loop {
        shard.dirty_bell.rung().await;
        shard.pump();
    }
}

/// Serves what other threads ask, until the control thread says to drain.
async fn serve_mesh(shard: &Rc<Shard>, receiver: &mut Receiver<Message>) {
    let mut batch = Vec::new();
    let mut turns = 0;
    while !shard.draining.get() {
        turns = (turns + 1) % MESH_TURNS;
        if turns == 0 {
            // A receiver that finds messages each time never waits, and others on this core have their work too.
            yield_to_io().await;
        }
        receiver.recv_batch(&mut batch).await;
        for message in batch.drain(..) {
            shard.take_message(message);
        }
        shard.pump();
    }
}

/// Accepts connections and keeps the cores even: the shard with the fewest gets the next one.
async fn accept(shard: Rc<Shard>, listener: Listener) {
    loop {
        let connection = listener.accept().await;
        shard.place(connection);
    }
}

/// Accepts connections on the core's own port: they mean this core, and stay.
async fn accept_for_this_core(shard: Rc<Shard>, listener: Listener) {
    loop {
        let connection = listener.accept().await;
        shard.metrics.place_here();
        shard.adopt(connection, Port::OfThisCore);
    }
}

impl Shard {
    /// Takes one message of the mesh.
    pub fn take_message(self: &Rc<Self>, message: Message) {
        match message {
            Message::Adopt(connection) => self.adopt(connection, Port::Shared),
            Message::Call { from, token, call } => self.serve_remote(from, token, call),
            Message::Reply { token, reply } => self.calls.answer(token, reply),
            Message::Cancel { from, token } => {
                // Dropping the task drops the work.
                self.serving.borrow_mut().remove(&(from, token));
            }
            Message::FromControl { token, reply } => self.calls.answer_control(token, reply),
            Message::Image(image) => {
                let shard = self.clone();
                self.spawn(async move { shard.apply_image(image).await });
            }
            Message::Drain => self.draining.set(true),
            Message::ToControl(_) | Message::ImageApplied { .. } | Message::Drained { .. } => {
                debug_assert!(false, "a message of the control thread's came to a shard");
            }
        }
    }

    fn serve_remote(self: &Rc<Self>, from: crate::base::ShardId, token: u64, call: super::Call) {
        let mut work = self.serve(call);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(reply) = work.as_mut().poll(&mut cx) {
            self.reply(from, token, reply);
            return;
        }
        let shard = self.clone();
        let task = executor::spawn(async move {
            let reply = work.await;
            // The handle of this very task must not be dropped while it runs: it is let go instead.
            if let Some(task) = shard.serving.borrow_mut().remove(&(from, token)) {
                task.detach();
            }
            shard.reply(from, token, reply);
        });
        self.serving.borrow_mut().insert((from, token), task);
    }

    fn reply(&self, to: crate::base::ShardId, token: u64, reply: super::Reply) {
        self.metrics.mesh_messages.increment();
        self.mesh
            .reply(Address::Shard(to), Message::Reply { token, reply });
    }

    /// Gives a new connection to the shard that has the fewest.
    fn place(self: &Rc<Self>, connection: RawConnection) {
        let to = self.metrics.place();
        if to == self.id {
            self.adopt(connection, Port::Shared);
        } else {
            self.send(to, Message::Adopt(connection));
        }
    }

    fn adopt(self: &Rc<Self>, connection: RawConnection, port: Port) {
        if self.draining.get() {
            // Handed on before the stop reached this shard: closing it is the answer.
            return self.metrics.displace();
        }
        self.metrics.connections_total.increment();
        self.spawn(connection::serve(self.clone(), connection, port));
    }

    /// Hosts what recovery found.
    fn take_in(self: &Rc<Self>, recovered: RecoveredPartition) {
        let image = self.image();
        let Some(topic) = image.topic_by_id(recovered.id.topic).cloned() else {
            return;
        };
        let hosted = Hosted::new(
            recovered.id,
            topic,
            &self.data_dir,
            recovered.state,
            &self.pool,
            &recovered.tail_page,
        );
        hosted.has_directory.set(true);
        self.partitions.borrow_mut().insert(recovered.id, hosted);
    }
}
