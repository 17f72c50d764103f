//! The page at /metrics: the shards' cells in the OpenMetrics text format, which Prometheus reads.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::metrics::{ApiCells, Cell, ShardMetrics};
use crate::protocol::ApiKey;

/// The page's content type.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A cell as the page shows it. Counters get `_total` behind their names.
type Row = (&'static str, &'static str, fn(&ShardMetrics) -> &Cell);

const GAUGES: &[Row] = &[
    ("ringlog_connections", "Open connections", |m| {
        &m.connections
    }),
    ("ringlog_partitions", "Partitions owned", |m| &m.partitions),
    (
        "ringlog_poisoned_partitions",
        "Partitions out of service after a disk failed them",
        |m| &m.poisoned_partitions,
    ),
    (
        "ringlog_parked_fetches",
        "Fetches waiting for records",
        |m| &m.parked_fetches,
    ),
    (
        "ringlog_tail_bytes",
        "Memory that holds the tails of logs",
        |m| &m.tail_bytes,
    ),
];

const COUNTERS: &[Row] = &[
    (
        "ringlog_connections_accepted",
        "Connections accepted",
        |m| &m.connections_total,
    ),
    (
        "ringlog_requests_refused",
        "Requests that ended their connection",
        |m| &m.refused_requests,
    ),
    (
        "ringlog_received_bytes",
        "Bytes received from clients",
        |m| &m.bytes_in,
    ),
    ("ringlog_sent_bytes", "Bytes sent to clients", |m| {
        &m.bytes_out
    }),
    (
        "ringlog_fetch_tail_bytes",
        "Record bytes sent from memory without a copy",
        |m| &m.fetch_tail_bytes,
    ),
    (
        "ringlog_fetch_sendfile_bytes",
        "Record bytes sent from files in the kernel",
        |m| &m.fetch_sendfile_bytes,
    ),
    (
        "ringlog_fetch_copied_bytes",
        "Record bytes of files moved through user space",
        |m| &m.fetch_copied_bytes,
    ),
    (
        "ringlog_fetch_cold_reads",
        "Reads that needed a file",
        |m| &m.cold_reads,
    ),
    (
        "ringlog_disk_read_bytes",
        "Bytes of files read ahead for fetches",
        |m| &m.disk_read_bytes,
    ),
    ("ringlog_appended_records", "Records appended", |m| {
        &m.records_in
    }),
    ("ringlog_appended_batches", "Batches appended", |m| {
        &m.batches_in
    }),
    ("ringlog_appended_bytes", "Bytes of batches appended", |m| {
        &m.record_bytes_in
    }),
    (
        "ringlog_duplicate_batches",
        "Batches of idempotent producers that were there already",
        |m| &m.duplicate_batches,
    ),
    ("ringlog_disk_writes", "Writes to segments", |m| {
        &m.disk_writes
    }),
    (
        "ringlog_disk_written_bytes",
        "Bytes written to segments, padding included",
        |m| &m.disk_write_bytes,
    ),
    ("ringlog_disk_syncs", "Syncs of segments", |m| &m.disk_syncs),
    (
        "ringlog_hops",
        "Calls to the cores that own what requests need",
        |m| &m.hops,
    ),
    (
        "ringlog_mesh_messages",
        "Messages sent to other threads",
        |m| &m.mesh_messages,
    ),
];

/// The page.
pub fn page(shards: &Arc<[ShardMetrics]>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Cells(shards.clone())));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// All cells of all shards, read when the page is made.
#[derive(Debug)]
struct Cells(Arc<[ShardMetrics]>);

impl Collector for Cells {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, help, cell) in GAUGES {
            let value = |shard: &ShardMetrics| ConstGauge::new(cell(shard).get());
            self.family(&mut encoder, name, help, MetricType::Gauge, value)?;
        }
        for (name, help, cell) in COUNTERS {
            let value = |shard: &ShardMetrics| ConstCounter::new(cell(shard).get());
            self.family(&mut encoder, name, help, MetricType::Counter, value)?;
        }
        self.by_api(&mut encoder, "ringlog_requests", "Requests", |m| {
            &m.requests
        })?;
        process(&mut encoder)
    }
}

impl Cells {
    fn family<M: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        kind: MetricType,
        value: impl Fn(&ShardMetrics) -> M,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for (index, shard) in self.0.iter().enumerate() {
            let labels = [("shard", index.to_string())];
            value(shard).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A counter by shard and API; APIs that nobody has used are left out.
    fn by_api(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        cells: fn(&ShardMetrics) -> &ApiCells,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (index, shard) in self.0.iter().enumerate() {
            for api in ApiKey::ALL {
                let count = cells(shard).of(*api).get();
                let labels = [
                    ("shard", index.to_string()),
                    ("api", api.spec().name.to_owned()),
                ];
                if count > 0 {
                    ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}

/// What the kernel says of the process; left out where it says nothing.
fn process(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut gauge = |name, help, value: Option<u64>| match value {
        Some(value) => {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)
        }
        None => Ok(()),
    };
    gauge(
        "process_resident_memory_bytes",
        "Memory in use",
        resident_bytes(),
    )?;
    let open_files = std::fs::read_dir("/proc/self/fd")
        .ok()
        .map(|entries| entries.count() as u64);
    gauge("process_open_fds", "Open file descriptors", open_files)
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_on_the_page() {
        let shards: Arc<[ShardMetrics]> =
            Arc::from([ShardMetrics::default(), ShardMetrics::default()]);
        shards[1].connections.set(7);
        shards[0].fetch_sendfile_bytes.add(100);
        shards[0].count_request(ApiKey::Produce);
        shards[0].count_request(ApiKey::Produce);
        let page = page(&shards).unwrap();
        for line in [
            "ringlog_connections{shard=\"1\"} 7",
            "ringlog_connections{shard=\"0\"} 0",
            "ringlog_fetch_sendfile_bytes_total{shard=\"0\"} 100",
            "ringlog_requests_total{shard=\"0\",api=\"Produce\"} 2",
            "# TYPE ringlog_disk_syncs counter",
            "# EOF",
        ] {
            assert!(
                page.lines().any(|found| found == line),
                "{line} is not in\n{page}"
            );
        }
        assert!(page.contains("process_resident_memory_bytes "));
        assert!(!page.contains("api=\"Fetch\""));
    }
}
