//! Incremental fetch sessions (KIP-227): what a consumer fetches is remembered between its requests,
//! so that a request names only what changed and a response only what is new.
//!
//! Behaves as Kafka's `FetchManager`, `FetchContext` and `FetchSessionCacheShard`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::base::{MonoMs, TopicId};
use crate::protocol::ErrorCode;

/// How a request names a topic: by name to version 12, by id from 13.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TopicKey {
    /// Versions 4 to 12.
    Name(Arc<str>),
    /// Versions 13 and later.
    Id(TopicId),
}

/// A partition as requests name it.
pub type PartitionKey = (TopicKey, i32);

/// A partition that a request fetches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The partition.
    pub key: PartitionKey,
    /// What is asked of it.
    pub params: FetchParams,
    /// The name that its topic's id had when the session came to know it.
    pub name: Option<Arc<str>>,
}

/// What a request asks of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchParams {
    /// The offset to read from.
    pub fetch_offset: i64,
    /// At most this many bytes of records.
    pub max_bytes: i32,
    /// The leader epoch that the client knows, or -1.
    pub current_leader_epoch: i32,
    /// The epoch of the last record that the client has, or -1.
    pub last_fetched_epoch: i32,
}

/// What a response says of one partition, as far as a session compares it.
#[derive(Clone, Copy, Debug)]
pub struct FetchOutcome {
    /// Bytes of records that the response carries.
    pub record_bytes: usize,
    /// The partition's high watermark, or -1.
    pub high_watermark: i64,
    /// The partition's log start offset, or -1.
    pub log_start_offset: i64,
    /// Whether the partition is answered with an error.
    pub failed: bool,
    /// Whether a diverging epoch is reported.
    pub diverging: bool,
}

/// The initial epoch of a full fetch: makes a session.
const INITIAL_EPOCH: i32 = 0;
/// The epoch of a fetch outside any session.
const FINAL_EPOCH: i32 = -1;

const fn next_epoch(epoch: i32) -> i32 {
    match epoch {
        FINAL_EPOCH => FINAL_EPOCH,
        i32::MAX => 1,
        other => other + 1,
    }
}

/// Which session a request's answer belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// No session: everything asked is answered.
    Sessionless,
    /// A session is made when the answer is known.
    Full,
    /// The next request of a session, which must be at this epoch when it is answered.
    Incremental {
        /// The session's id.
        id: i32,
        /// The epoch that the session was moved to.
        epoch: i32,
    },
}

struct Cached {
    wanted: Wanted,
    high_watermark: i64,
    log_start_offset: i64,
}

impl Cached {
    /// Takes the answer in; tells whether it must be sent.
    fn update(&mut self, outcome: &FetchOutcome) -> bool {
        let news = outcome.record_bytes > 0
            || outcome.failed
            || outcome.diverging
            || self.high_watermark != outcome.high_watermark
            || self.log_start_offset != outcome.log_start_offset;
        // After an error the partition is sent again once the error goes away.
        self.high_watermark = if outcome.failed {
            -1
        } else {
            outcome.high_watermark
        };
        self.log_start_offset = outcome.log_start_offset;
        news
    }
}

struct Session {
    epoch: i32,
    uses_ids: bool,
    created: MonoMs,
    last_used: MonoMs,
    next_place: u64,
    places: HashMap<PartitionKey, u64>,
    partitions: BTreeMap<u64, Cached>,
}

impl Session {
    fn upsert(&mut self, wanted: &Wanted) -> &mut Cached {
        let place = *self.places.entry(wanted.key.clone()).or_insert_with(|| {
            self.next_place += 1;
            self.next_place
        });
        let cached = self.partitions.entry(place).or_insert_with(|| Cached {
            wanted: wanted.clone(),
            high_watermark: -1,
            log_start_offset: -1,
        });
        cached.wanted.params = wanted.params;
        cached
    }

    fn forget(&mut self, key: &PartitionKey) {
        if let Some(place) = self.places.remove(key) {
            self.partitions.remove(&place);
        }
    }

    /// What has just been served goes to the end, so that the others have their turn.
    fn move_to_end(&mut self, key: &PartitionKey) {
        if let Some(place) = self.places.get_mut(key)
            && let Some(cached) = self.partitions.remove(place)
        {
            self.next_place += 1;
            *place = self.next_place;
            self.partitions.insert(*place, cached);
        }
    }
}

/// The sessions of one shard. Their ids come from a range of the shard's own.
pub struct FetchSessions {
    sessions: HashMap<i32, Session>,
    slots_max: usize,
    evict_after_ms: i64,
    ids: std::ops::Range<i32>,
    next_id: i32,
}

impl FetchSessions {
    /// Sessions for the shard `index` of `shards`, at most `slots_max` of them.
    pub fn new(index: usize, shards: usize, slots_max: usize) -> FetchSessions {
        let range = i32::MAX / shards.max(1) as i32;
        let first = (index as i32 * range).max(1);
        FetchSessions {
            sessions: HashMap::new(),
            slots_max,
            evict_after_ms: 120_000,
            ids: first..(index as i32 + 1) * range,
            next_id: first,
        }
    }

    /// Takes a request in: its context and everything that it fetches, in order.
    pub fn begin(
        &mut self,
        now: MonoMs,
        id: i32,
        epoch: i32,
        uses_ids: bool,
        asked: Vec<Wanted>,
        forgotten: &[PartitionKey],
    ) -> Result<(Context, Vec<Wanted>), ErrorCode> {
        if epoch == INITIAL_EPOCH || epoch == FINAL_EPOCH {
            self.sessions.remove(&id);
            let context = if epoch == FINAL_EPOCH {
                Context::Sessionless
            } else {
                Context::Full
            };
            return Ok((context, dedup(asked)));
        }
        let session = self
            .sessions
            .get_mut(&id)
            .ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.uses_ids != uses_ids {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        for wanted in &asked {
            session.upsert(wanted);
        }
        for key in forgotten {
            session.forget(key);
        }
        if session.partitions.is_empty() {
            self.sessions.remove(&id);
            return Ok((Context::Sessionless, dedup(asked)));
        }
        session.last_used = now;
        session.epoch = next_epoch(session.epoch);
        let context = Context::Incremental {
            id,
            epoch: session.epoch,
        };
        let all = session
            .partitions
            .values()
            .map(|cached| cached.wanted.clone())
            .collect();
        Ok((context, all))
    }

    /// Takes the answer in: the session id to answer with, and for each partition whether it is sent.
    pub fn finish(
        &mut self,
        now: MonoMs,
        context: Context,
        uses_ids: bool,
        answers: &[(Wanted, FetchOutcome)],
    ) -> Result<(i32, Vec<bool>), ErrorCode> {
        match context {
            Context::Sessionless => Ok((0, vec![true; answers.len()])),
            Context::Full => {
                let id = self.create(now, uses_ids, answers).unwrap_or(0);
                Ok((id, vec![true; answers.len()]))
            }
            Context::Incremental { id, epoch } => self
                .sessions
                .get_mut(&id)
                .filter(|session| session.epoch == epoch)
                .map(|session| (id, update(session, answers)))
                .ok_or(ErrorCode::InvalidFetchSessionEpoch),
        }
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    fn create(
        &mut self,
        now: MonoMs,
        uses_ids: bool,
        answers: &[(Wanted, FetchOutcome)],
    ) -> Option<i32> {
        if self.sessions.len() >= self.slots_max && !self.evict(now, answers.len()) {
            return None;
        }
        let id = self.free_id()?;
        let mut session = Session {
            epoch: next_epoch(INITIAL_EPOCH),
            uses_ids,
            created: now,
            last_used: now,
            next_place: 0,
            places: HashMap::with_capacity(answers.len()),
            partitions: BTreeMap::new(),
        };
        for (wanted, outcome) in answers {
            session.upsert(wanted).update(outcome);
        }
        self.sessions.insert(id, session);
        Some(id)
    }

    /// Makes room for a session of `size` partitions: a stale one goes, else an older smaller one.
    fn evict(&mut self, now: MonoMs, size: usize) -> bool {
        let older_than =
            |moment: MonoMs| now.0.saturating_sub(moment.0) as i64 > self.evict_after_ms;
        let stale = self
            .sessions
            .iter()
            .min_by_key(|(id, session)| (session.last_used, **id));
        let victim = match stale {
            Some((id, session)) if older_than(session.last_used) => Some(*id),
            _ => self
                .sessions
                .iter()
                .filter(|(_, session)| older_than(session.created))
                .map(|(id, session)| (session.partitions.len(), *id))
                .min()
                .filter(|(smallest, _)| size >= *smallest)
                .map(|(_, id)| id),
        };
        victim.is_some_and(|id| self.sessions.remove(&id).is_some())
    }

    fn free_id(&mut self) -> Option<i32> {
        for _ in 0..=self.sessions.len() {
            let id = self.next_id;
            self.next_id = if id + 1 >= self.ids.end {
                self.ids.start
            } else {
                id + 1
            };
            if !self.sessions.contains_key(&id) {
                return Some(id);
            }
        }
        None
    }
}

fn update(session: &mut Session, answers: &[(Wanted, FetchOutcome)]) -> Vec<bool> {
    let mut sent = Vec::with_capacity(answers.len());
    for (wanted, outcome) in answers {
        let place = session.places.get(&wanted.key).copied();
        let cached = place.and_then(|place| session.partitions.get_mut(&place));
        let news = cached.is_some_and(|cached| {
            cached.wanted.name.clone_from(&wanted.name);
            cached.update(outcome)
        });
        if news && outcome.record_bytes > 0 {
            session.move_to_end(&wanted.key);
        }
        sent.push(news);
    }
    sent
}

/// A partition that is named twice counts as its last mention says, at its first place.
fn dedup(asked: Vec<Wanted>) -> Vec<Wanted> {
    let mut places: HashMap<PartitionKey, usize> = HashMap::with_capacity(asked.len());
    let mut unique: Vec<Wanted> = Vec::with_capacity(asked.len());
    for wanted in asked {
        match places.get(&wanted.key) {
            Some(&place) => unique[place].params = wanted.params,
            None => {
                places.insert(wanted.key.clone(), unique.len());
                unique.push(wanted);
            }
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: MonoMs = MonoMs(1_000);

    fn key(partition: i32) -> PartitionKey {
        (TopicKey::Name("t".into()), partition)
    }

    fn wanted(partition: i32, fetch_offset: i64) -> Wanted {
        Wanted {
            key: key(partition),
            params: FetchParams {
                fetch_offset,
                max_bytes: 1024,
                current_leader_epoch: -1,
                last_fetched_epoch: -1,
            },
            name: None,
        }
    }

    fn outcome(high_watermark: i64, record_bytes: usize) -> FetchOutcome {
        FetchOutcome {
            record_bytes,
            high_watermark,
            log_start_offset: 0,
            failed: false,
            diverging: false,
        }
    }

    /// Opens a session over partitions 0 and 1, both empty.
    fn open(sessions: &mut FetchSessions) -> i32 {
        let asked = vec![wanted(0, 0), wanted(1, 0)];
        let (context, all) = sessions.begin(NOW, 0, 0, false, asked, &[]).unwrap();
        assert_eq!(context, Context::Full);
        let answers: Vec<_> = all
            .into_iter()
            .map(|wanted| (wanted, outcome(0, 0)))
            .collect();
        let (id, sent) = sessions.finish(NOW, context, false, &answers).unwrap();
        assert_eq!(sent, [true, true]);
        assert_ne!(id, 0);
        id
    }

    #[test]
    fn an_incremental_answer_names_only_what_changed() {
        let mut sessions = FetchSessions::new(0, 2, 10);
        let id = open(&mut sessions);
        let (context, all) = sessions.begin(NOW, id, 1, false, vec![], &[]).unwrap();
        assert_eq!(all, [wanted(0, 0), wanted(1, 0)]);
        let answers = [
            (wanted(0, 0), outcome(5, 100)),
            (wanted(1, 0), outcome(0, 0)),
        ];
        let (same, sent) = sessions.finish(NOW, context, false, &answers).unwrap();
        assert_eq!((same, sent), (id, vec![true, false]));
        // What was served stands last now.
        let (_, all) = sessions
            .begin(NOW, id, 2, false, vec![wanted(0, 5)], &[])
            .unwrap();
        assert_eq!(all, [wanted(1, 0), wanted(0, 5)]);
    }

    #[test]
    fn a_name_once_known_stays_with_its_partition() {
        let mut sessions = FetchSessions::new(0, 1, 10);
        let id = open(&mut sessions);
        let (context, mut all) = sessions.begin(NOW, id, 1, false, vec![], &[]).unwrap();
        all[1].name = Some("named".into());
        let answers: Vec<_> = all.iter().cloned().map(|w| (w, outcome(0, 0))).collect();
        sessions.finish(NOW, context, false, &answers).unwrap();
        let again = sessions.begin(NOW, id, 2, false, vec![wanted(1, 7)], &[]);
        let (_, all) = again.unwrap();
        assert_eq!(all[0].name, None);
        assert_eq!(all[1].name.as_deref(), Some("named"));
        assert_eq!(all[1].params.fetch_offset, 7);
    }

    #[test]
    fn errors_come_in_kafkas_order() {
        let mut sessions = FetchSessions::new(1, 2, 10);
        let id = open(&mut sessions);
        let mut error = |id, epoch, ids| {
            sessions
                .begin(NOW, id, epoch, ids, vec![], &[])
                .unwrap_err()
        };
        assert_eq!(error(id + 1, 7, true), ErrorCode::FetchSessionIdNotFound);
        assert_eq!(error(id, 7, true), ErrorCode::InvalidFetchSessionEpoch);
        assert_eq!(error(id, 1, true), ErrorCode::FetchSessionTopicIdError);
    }

    #[test]
    fn a_session_without_partitions_closes() {
        let mut sessions = FetchSessions::new(0, 1, 10);
        let id = open(&mut sessions);
        let begun = sessions
            .begin(NOW, id, 1, false, vec![], &[key(0), key(1)])
            .unwrap();
        assert_eq!(begun, (Context::Sessionless, vec![]));
        assert!(sessions.is_empty());
    }

    #[test]
    fn an_overtaken_answer_is_refused() {
        let mut sessions = FetchSessions::new(0, 1, 10);
        let id = open(&mut sessions);
        let (context, _) = sessions.begin(NOW, id, 1, false, vec![], &[]).unwrap();
        sessions.begin(NOW, id, 2, false, vec![], &[]).unwrap();
        let refused = sessions.finish(NOW, context, false, &[]).unwrap_err();
        assert_eq!(refused, ErrorCode::InvalidFetchSessionEpoch);
    }

    #[test]
    fn a_full_cache_keeps_young_sessions_and_gives_up_old_ones() {
        let mut sessions = FetchSessions::new(0, 1, 1);
        let first = open(&mut sessions);
        let answers = [(wanted(0, 0), outcome(0, 0))];
        let refused = sessions
            .finish(NOW, Context::Full, false, &answers)
            .unwrap();
        assert_eq!(refused.0, 0);
        let later = MonoMs(NOW.0 + 120_001);
        let made = sessions
            .finish(later, Context::Full, false, &answers)
            .unwrap();
        assert!(made.0 != 0 && made.0 != first);
        assert_eq!(sessions.len(), 1);
    }
}
