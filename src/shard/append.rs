//! Produce where the partition lives: check the batch, give it its place, copy it once into the tail, and wait for
//! the disk as its acks demand.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;

use crate::base::limits::INFLATED_BATCH_BYTES_MAX;
use crate::log::BatchInfo;
use crate::metadata::Topic;
use crate::partition::{Acks, Appended, Effects};
use crate::protocol::ErrorCode;
use crate::protocol::records::{
    BatchError, BatchView, HEADER_BYTES, Origin, ValidBatch, ValidateOptions, recompress, validate,
};
use crate::shard::Shard;
use crate::shard::messages::{ProduceItem, ProduceJob, ProduceResult, Reply};
use crate::shard::oneshot::{Receiver, Sender, oneshot};
use crate::shard::partitions::Hosted;
use crate::shard::settings::{compression, timestamp_type};

/// Whom an acknowledgement of the disk is for.
pub enum AckSink {
    /// An item of a produce job.
    Produce(Rc<Gather>, usize),
    /// A batch of the broker's own.
    Own(Sender<Result<(), ErrorCode>>),
}

/// The results of one job, as they come.
pub struct Gather {
    results: RefCell<Vec<ProduceResult>>,
    open: Cell<usize>,
    done: RefCell<Option<Sender<Vec<ProduceResult>>>>,
}

impl Gather {
    /// Notes that an item's acknowledgement has come.
    pub fn acknowledge(&self, item: usize, result: Result<(), ErrorCode>) {
        if let Err(error) = result {
            self.results.borrow_mut()[item] = ProduceResult::failed(error);
        }
        self.close_one();
    }

    fn close_one(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0
            && let Some(done) = self.done.borrow_mut().take()
        {
            done.send(self.results.take());
        }
    }
}

/// Appends a job's batches, in order and at once; the answer comes when the disk has them.
pub fn produce(shard: &Rc<Shard>, job: ProduceJob) -> Pin<Box<dyn Future<Output = Reply>>> {
    let (sender, receiver) = oneshot();
    let gather = Rc::new(Gather {
        results: RefCell::new(Vec::with_capacity(job.items.len())),
        // One more than the items, so that the job is not done before all of them are in.
        open: Cell::new(job.items.len() + 1),
        done: RefCell::new(Some(sender)),
    });
    for (place, item) in job.items.iter().enumerate() {
        let token = shard.acks.open(AckSink::Produce(gather.clone(), place));
        let appended = append_item(shard, &job, item, token);
        let (result, waits) = match appended {
            Ok(result) => (result, true),
            Err(result) => (result, false),
        };
        gather.results.borrow_mut().push(result);
        if !waits {
            shard.acks.forget(token);
            gather.close_one();
        }
    }
    shard.apply_acks();
    gather.close_one();
    Box::pin(async move { Reply::Produce(receiver.await.unwrap_or_default()) })
}

/// Appends one batch; an error is its whole answer.
fn append_item(
    shard: &Rc<Shard>,
    job: &ProduceJob,
    item: &ProduceItem,
    token: u64,
) -> Result<ProduceResult, ProduceResult> {
    let hosted = shard
        .hosted(item.partition)
        .ok_or_else(|| ProduceResult::failed(shard.not_hosted(item.partition)))?;
    let topic = hosted.topic.borrow().clone();
    if topic.internal && !job.internal_allowed {
        return Err(ProduceResult::failed(ErrorCode::InvalidTopicException));
    }
    let origin = Origin::Client {
        produce_version: job.version,
    };
    let options = options(shard, &hosted, &topic, origin);
    let (batch, bytes) = check(&item.records, &options, compression(&topic.config).1)
        .map_err(|error| refused(&hosted, error))?;
    // Without acks the client hears nothing, but its request stays under way until the batch is written: that is what
    // bounds how much a client can have in memory.
    let acks = if job.acks == -1 {
        Acks::All
    } else {
        Acks::Leader
    };
    store(shard, &hosted, &batch, &bytes, acks, token)
}

fn options<'a>(
    shard: &Shard,
    hosted: &Hosted,
    topic: &'a Topic,
    origin: Origin,
) -> ValidateOptions<'a> {
    let config = &topic.config;
    ValidateOptions {
        topic: &topic.name,
        partition: hosted.id.partition,
        origin,
        now: shard.now().wall,
        max_message_bytes: usize::try_from(config.max_message_bytes).unwrap_or(0),
        timestamp_type: timestamp_type(config),
        before_max_ms: config.message_timestamp_before_max_ms,
        after_max_ms: config.message_timestamp_after_max_ms,
        compacted: config.cleanup_compact,
        compression: compression(config).0,
        validate_compressed: config.validate_compressed,
        inflated_bytes_max: INFLATED_BATCH_BYTES_MAX,
    }
}

/// A batch that may be stored, and its bytes: those that came, or the same records under the topic's codec.
fn check(
    records: &Bytes,
    options: &ValidateOptions<'_>,
    level: Option<i32>,
) -> Result<(ValidBatch, Bytes), BatchError> {
    let batch = validate(records, options)?;
    let Some(codec) = batch.recompress_to else {
        return Ok((batch, records.slice(..batch.size_bytes())));
    };
    let again = BatchView::first(records)
        .ok()
        .and_then(|view| recompress(&view, codec, level, options.inflated_bytes_max).ok());
    let Some(bytes) = again else {
        return Err(BatchError {
            code: ErrorCode::CorruptMessage,
            message: "the batch cannot be recompressed".to_owned(),
            record_errors: Vec::new(),
            reached_log: true,
        });
    };
    let batch = validate(&bytes, options)?;
    Ok((batch, bytes.into()))
}

fn refused(hosted: &Hosted, error: BatchError) -> ProduceResult {
    ProduceResult {
        log_start_offset: match error.tells_log_start() {
            true => hosted.log_start(),
            false => -1,
        },
        message: error.wire_message().map(str::to_owned),
        record_errors: error
            .record_errors
            .into_iter()
            .map(|record| (record.batch_index, Some(record.message)))
            .collect(),
        ..ProduceResult::failed(error.code)
    }
}

/// Gives a valid batch its place and copies it there.
fn store(
    shard: &Rc<Shard>,
    hosted: &Rc<Hosted>,
    batch: &ValidBatch,
    bytes: &[u8],
    acks: Acks,
    token: u64,
) -> Result<ProduceResult, ProduceResult> {
    let mut effects = Effects::new();
    let now = shard.now();
    let info = BatchInfo::from(batch);
    let appended = hosted
        .state
        .borrow_mut()
        .append(now, &info, acks, token, &mut effects);
    let appended = appended.map_err(|error| {
        let expected = matches!(
            error.code(),
            ErrorCode::RecordListTooLarge | ErrorCode::KafkaStorageError
        );
        ProduceResult {
            message: Some(error.to_string()),
            log_start_offset: if expected { -1 } else { hosted.log_start() },
            ..ProduceResult::failed(error.code())
        }
    })?;
    let result = match appended {
        Appended::Stored { plan, .. } => {
            let payload = &bytes[HEADER_BYTES..];
            let header = batch.stamped_header(payload, plan.base_offset, plan.leader_epoch);
            hosted.copy_in(plan.segment, plan.position, &[&header.encode(), payload]);
            shard.metrics.appended(bytes.len(), info.record_count);
            hosted.last_append.set(now.mono);
            shard.mark_dirty(hosted);
            stored(
                hosted,
                plan.base_offset.get(),
                batch.log_append_time().map_or(-1, |time| time.0),
            )
        }
        Appended::Duplicate(duplicate) => {
            shard.metrics.duplicate_batches.increment();
            // Kafka tells a duplicate's time whoever stamped it.
            stored(hosted, duplicate.base_offset.get(), duplicate.timestamp.0)
        }
    };
    shard.apply(hosted, &mut effects);
    Ok(result)
}

fn stored(hosted: &Hosted, base_offset: i64, log_append_time_ms: i64) -> ProduceResult {
    ProduceResult {
        base_offset,
        log_append_time_ms,
        log_start_offset: hosted.state.borrow().log().log_start_offset().get(),
        ..ProduceResult::failed(ErrorCode::None)
    }
}

impl Hosted {
    /// Appends a batch of the broker's own, as durable as the topic makes `acks=all`.
    pub fn append_own(
        self: &Rc<Self>,
        shard: &Rc<Shard>,
        bytes: &[u8],
    ) -> Result<Receiver<Result<(), ErrorCode>>, ErrorCode> {
        let topic = self.topic.borrow().clone();
        let mut options = options(shard, self, &topic, Origin::Coordinator);
        // What the broker writes for itself goes in as it is.
        options.compression = Default::default();
        let batch = validate(bytes, &options).map_err(|error| error.code)?;
        let (sender, receiver) = oneshot();
        let token = shard.acks.open(AckSink::Own(sender));
        match store(shard, self, &batch, bytes, Acks::All, token) {
            Ok(_) => Ok(receiver),
            Err(refused) => {
                shard.acks.forget(token);
                Err(refused.error)
            }
        }
    }
}
