//! A raw connection: typed requests through the `kafka-protocol` crate, and any bytes at all.
//! Independent of Ringlog's own codec on purpose.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, MetadataResponse,
    ProduceRequest, RequestHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::wait_for;

/// How long a raw request waits for its answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// ListOffsets: the earliest offset.
pub const EARLIEST: i64 = -2;
/// ListOffsets: the offset of the next record.
pub const LATEST: i64 = -1;

/// UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER.
const UNSETTLED: [i16; 3] = [3, 5, 6];

/// One connection to a broker.
pub struct Connection {
    stream: TcpStream,
    correlation_id: i32,
    heard_bytes: u64,
}

/// How a connection ended, or what came instead.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A frame, without its length prefix.
    Frame(Vec<u8>),
    /// The peer closed the connection.
    Closed,
    /// Nothing within the time given.
    Silence,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).expect("the broker listens");
        stream.set_nodelay(true).expect("a TCP socket");
        Connection {
            stream,
            correlation_id: 0,
            heard_bytes: 0,
        }
    }

    /// The socket, for what this type does not do.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends a request and waits for its answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send_raw(&self.frame(version, request));
        self.correlation_id += 1;
        let Heard::Frame(frame) = self.hear(ANSWER_LIMIT) else {
            panic!("no answer to key {} version {version}", R::KEY)
        };
        decode_answer::<R>(version, &frame)
    }

    /// A whole frame of this request, with its length.
    pub fn frame<R: Request>(&self, version: i16, request: &R) -> Vec<u8> {
        let mut body = BytesMut::new();
        RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("ringlog-tests")))
            .encode(&mut body, R::header_version(version))
            .expect("a header");
        request.encode(&mut body, version).expect("a request");
        let mut frame = (body.len() as i32).to_be_bytes().to_vec();
        frame.extend_from_slice(&body);
        frame
    }

    /// Sends bytes as they are. A peer that has closed already is no error: the test goes on to
    /// hear about it.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Waits for one frame, the end of the connection, or neither.
    pub fn hear(&mut self, limit: Duration) -> Heard {
        self.stream
            .set_read_timeout(Some(limit))
            .expect("a TCP socket");
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Heard::Silence;
            }
            Err(_) => return Heard::Closed,
        }
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        match self.stream.read_exact(&mut frame) {
            Ok(()) => {
                self.heard_bytes += (length.len() + frame.len()) as u64;
                Heard::Frame(frame)
            }
            Err(_) => Heard::Closed,
        }
    }

    /// Bytes of all frames that were heard so far.
    pub fn heard_bytes(&self) -> u64 {
        self.heard_bytes
    }

    /// Creates a topic and waits until it has leaders.
    pub fn create_topic(&mut self, name: &str, partitions: i32, config: &[(&str, &str)]) {
        let configs = config.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(TopicName(text(name)))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(10_000);
        let response = self.call(5, &request);
        assert_eq!(
            response.topics[0].error_code, 0,
            "creating {name}: {response:?}"
        );
        wait_for("leaders of a new topic", ANSWER_LIMIT, || {
            let topic = &self.metadata(name).topics[0];
            let led = topic
                .partitions
                .iter()
                .filter(|p| p.error_code == 0 && p.leader_id.0 >= 0);
            (topic.error_code == 0 && led.count() == partitions as usize).then_some(())
        });
    }

    /// Metadata of one topic, which is not created by asking.
    pub fn metadata(&mut self, topic: &str) -> MetadataResponse {
        let topic = MetadataRequestTopic::default().with_name(Some(TopicName(text(topic))));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(false);
        self.call(8, &request)
    }

    /// Appends one batch with acks=all; gives the error code and the base offset.
    pub fn produce(&mut self, topic: &str, partition: i32, batch: Bytes) -> (i16, i64) {
        let request = produce_request(topic, partition, -1, batch);
        self.settled(|connection| {
            let response = connection.call(7, &request);
            let partition = &response.responses[0].partition_responses[0];
            (partition.error_code, partition.base_offset)
        })
    }

    /// Reads from `offset`; gives the error code and the records.
    pub fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> (i16, Vec<Record>) {
        let request = fetch_request(topic, partition, offset, 1 << 20);
        let (error, records) = self.settled(|connection| {
            let response = connection.call(11, &request);
            let partition = &response.responses[0].partitions[0];
            (
                partition.error_code,
                partition.records.clone().unwrap_or_default(),
            )
        });
        (error, decode_records(records))
    }

    /// The offset that ListOffsets gives for a timestamp, [`EARLIEST`] or [`LATEST`].
    pub fn list_offset(&mut self, topic: &str, index: i32, timestamp: i64) -> i64 {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(index)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(TopicName(text(topic)))
            .with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default()
            .with_replica_id((-1).into())
            .with_topics(vec![topic]);
        let (error, offset) = self.settled(|connection| {
            let response = connection.call(4, &request);
            let partition = &response.topics[0].partitions[0];
            (partition.error_code, partition.offset)
        });
        assert_eq!(error, 0, "ListOffsets of partition {index}");
        offset
    }

    /// Repeats what a client repeats: right after creation or start, Kafka's Metadata names leaders
    /// that answer NOT_LEADER_OR_FOLLOWER for a moment.
    fn settled<T>(&mut self, mut ask: impl FnMut(&mut Connection) -> (i16, T)) -> (i16, T) {
        wait_for("a leader that answers", ANSWER_LIMIT, || {
            let (error, answer) = ask(self);
            (!UNSETTLED.contains(&error)).then_some((error, answer))
        })
    }
}

/// A produce request for one batch.
pub fn produce_request(topic: &str, partition: i32, acks: i16, batch: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch));
    let topic = TopicProduceData::default()
        .with_name(TopicName(text(topic)))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![topic])
}

/// A fetch request for one partition, without a session, that waits for at least one byte.
pub fn fetch_request(topic: &str, partition: i32, offset: i64, max_bytes: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(max_bytes);
    let topic = FetchTopic::default()
        .with_topic(TopicName(text(topic)))
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id((-1).into())
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(max_bytes)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

/// A batch of plain records with these values.
pub fn batch(values: &[&[u8]]) -> Bytes {
    let records: Vec<Record> = values
        .iter()
        .zip(0..)
        .map(|(value, at)| record(value, at))
        .collect();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, &records, &options).expect("a batch");
    bytes.freeze()
}

/// The body of a frame as the response to an `R` of this version.
pub fn decode_answer<R: Request>(version: i16, frame: &[u8]) -> R::Response {
    let mut bytes = Bytes::copy_from_slice(frame);
    let header = R::Response::header_version(version);
    kafka_protocol::messages::ResponseHeader::decode(&mut bytes, header)
        .expect("a response header");
    R::Response::decode(&mut bytes, version).expect("a response body")
}

/// The records of a fetched partition; an incomplete last batch is left out, as every client does.
pub fn decode_records(mut bytes: Bytes) -> Vec<Record> {
    let mut records = Vec::new();
    while bytes.len() > 12 {
        let length = 12 + u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize;
        if length > bytes.len() {
            break;
        }
        let mut batch = bytes.split_to(length);
        records.extend(
            RecordBatchDecoder::decode(&mut batch)
                .expect("a whole batch")
                .records,
        );
    }
    records
}

/// A string of the protocol crate.
pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn record(value: &[u8], at: i64) -> Record {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: at,
        sequence: at as i32 - 1,
        timestamp: now.as_millis() as i64,
        key: None,
        value: Some(Bytes::copy_from_slice(value)),
        headers: Default::default(),
    }
}
