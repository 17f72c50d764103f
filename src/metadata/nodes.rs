//! The nodes that clients are told of: the brokers, or with `ringlog.advertise=per-core` every core of a broker as a
//! node of its own, so that a client which goes to a partition's leader goes to the core that owns the partition.
//!
//! Only what clients see changes. Replicas stay on brokers: two cores are never two hosts.

use super::image::{Broker, ClusterImage, PartitionInfo};
use crate::base::limits::CORE_NODE_ID_STEP;
use crate::base::{NodeId, ShardId};

/// A node as clients are told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node<'a> {
    /// Its id.
    pub id: NodeId,
    /// Where it is reached.
    pub host: &'a str,
    /// The port there.
    pub port: u16,
    /// Its broker's rack.
    pub rack: Option<&'a str>,
}

/// What a node's id stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The broker.
    pub broker: NodeId,
    /// Its core, where the broker tells its cores apart.
    pub shard: Option<ShardId>,
}

impl Broker {
    /// The node for what this shard of the broker owns.
    pub fn node_of(&self, shard: ShardId) -> Node<'_> {
        let (id, port) = match self.core_ports.get(shard.index()) {
            Some(port) => (core_id(self.id, shard.index()), *port),
            None => (self.id, self.port),
        };
        Node {
            id,
            port,
            host: &self.host,
            rack: self.rack.as_deref(),
        }
    }

    /// The nodes that the broker is to clients: itself, or its cores.
    fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        let count = self.core_ports.len().max(1);
        (0..count).map(|shard| self.node_of(ShardId(shard as u16)))
    }

    fn place_of(&self, node: NodeId) -> Option<Place> {
        let mut nodes = self.nodes();
        let index = nodes.position(|told| told.id == node)?;
        Some(Place {
            broker: self.id,
            shard: (!self.core_ports.is_empty()).then_some(ShardId(index as u16)),
        })
    }
}

/// The first core is known by the broker's own id.
fn core_id(broker: NodeId, index: usize) -> NodeId {
    let offset = i32::try_from(index).unwrap_or(0) * CORE_NODE_ID_STEP;
    NodeId(broker.get().saturating_add(offset))
}

impl ClusterImage {
    /// Every node that clients are told of.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.brokers().flat_map(Broker::nodes)
    }

    /// The node that clients are to ask for a partition.
    pub fn leader_node(&self, partition: &PartitionInfo) -> NodeId {
        self.told(partition, partition.leader)
    }

    /// Replicas of a partition as clients are told of them: the leader's by its core.
    pub fn replica_nodes(&self, partition: &PartitionInfo, replicas: &[NodeId]) -> Vec<i32> {
        let told = replicas.iter().map(|id| self.told(partition, *id).get());
        told.collect()
    }

    /// What this node's id stands for, if there is such a node.
    pub fn place_of(&self, node: NodeId) -> Option<Place> {
        self.brokers().find_map(|broker| broker.place_of(node))
    }

    fn told(&self, partition: &PartitionInfo, replica: NodeId) -> NodeId {
        match self.broker(replica) {
            Some(broker) if replica == partition.leader => broker.node_of(partition.shard).id,
            _ => replica,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::LeaderEpoch;
    use crate::metadata::Record;
    use crate::metadata::config::BrokerConfig;

    fn image(core_ports: &[u16]) -> ClusterImage {
        let broker = Broker {
            id: NodeId(7),
            host: "box".to_owned(),
            port: 9092,
            rack: None,
            core_ports: core_ports.to_vec(),
        };
        let empty = ClusterImage::empty(Arc::new(BrokerConfig::default()));
        empty.apply(&[Record::Broker(broker)]).unwrap()
    }

    fn on(shard: u16) -> PartitionInfo {
        PartitionInfo {
            leader: NodeId(7),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: 0,
            replicas: vec![NodeId(7), NodeId(8)],
            isr: vec![NodeId(7)],
            shard: ShardId(shard),
        }
    }

    #[test]
    fn a_broker_is_one_node_or_a_node_a_core() {
        let told = |image: &ClusterImage| -> Vec<(i32, u16)> {
            let nodes = image.nodes();
            nodes.map(|node| (node.id.get(), node.port)).collect()
        };
        assert_eq!(told(&image(&[])), [(7, 9092)]);
        let cores = [(7, 9093), (10_007, 9094), (20_007, 9095)];
        assert_eq!(told(&image(&[9093, 9094, 9095])), cores);
    }

    #[test]
    fn a_partition_is_led_by_the_core_that_owns_it() {
        for (ports, shard, leader) in [
            (&[][..], 1, 7),
            (&[1, 2], 0, 7),
            (&[1, 2], 1, 10_007),
            (&[1, 2], 9, 7),
        ] {
            let (image, info) = (image(ports), on(shard));
            assert_eq!(image.leader_node(&info).get(), leader, "{ports:?} {shard}");
            assert_eq!(image.replica_nodes(&info, &info.replicas), [leader, 8]);
            assert_eq!(image.replica_nodes(&info, &info.isr), [leader]);
        }
    }

    #[test]
    fn ids_lead_back_to_their_places() {
        let place = |shard| {
            Some(Place {
                broker: NodeId(7),
                shard,
            })
        };
        let (one, cores) = (image(&[]), image(&[1, 2]));
        for (image, id, expected) in [
            (&one, 7, place(None)),
            (&one, 10_007, None),
            (&cores, 7, place(Some(ShardId(0)))),
            (&cores, 10_007, place(Some(ShardId(1)))),
            (&cores, 20_007, None),
            (&cores, 8, None),
        ] {
            assert_eq!(image.place_of(NodeId(id)), expected, "{id}");
        }
    }
}
