//! The generator's threads: an executor on each of its cores, its connections spread over them, and what they count
//! added up second by second on the thread that called for the run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::base::TimestampMs;
use crate::bench::error::BenchError;
use crate::bench::interrupt::Interrupt;
use crate::bench::meter::Meter;
use crate::bench::outcome::{Flow, Interval, Kind, Progress, Watch};
use crate::bench::payload::Payloads;
use crate::bench::timers::Timers;
use crate::io::clock;
use crate::io::executor::{spawn, spawn_shard};

/// How long after the last thread is ready the run starts, so that all of them have heard of it.
const LEAD_US: u64 = 20_000;

/// What comes behind the last second, mostly the answers to what was sent in it, is told with it if it took less.
const REST_MS_MAX: u64 = 250;

/// Microseconds of an interval.
const SECOND_US: u64 = 1_000_000;

/// When a run does what, on the clock of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// The load starts.
    pub start_us: u64,
    /// The warm-up ends.
    pub measure_us: u64,
    /// The load ends; never, if it ends by count.
    pub end_us: u64,
    /// What is still due is given up.
    pub give_up_us: u64,
}

/// How long a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// By time.
    Seconds {
        /// Before anything counts.
        warm_up: u64,
        /// Measured.
        measured: u64,
    },
    /// As long as the connections have something to do.
    Count,
}

impl Length {
    fn warm_up_s(self) -> u64 {
        match self {
            Length::Seconds { warm_up, .. } => warm_up,
            Length::Count => 0,
        }
    }

    fn schedule(self, start_us: u64, patience: Duration) -> Schedule {
        let measure_us = start_us + self.warm_up_s() * SECOND_US;
        let end_us = match self {
            Length::Seconds { measured, .. } => measure_us + measured * SECOND_US,
            Length::Count => u64::MAX,
        };
        Schedule {
            start_us,
            measure_us,
            end_us,
            give_up_us: end_us.saturating_add(patience.as_micros() as u64),
        }
    }
}

/// What the connections of one thread share.
pub struct Hands {
    /// Where they count.
    pub meter: Rc<Meter>,
    /// Their deadlines.
    pub timers: Rc<Timers>,
    /// The batches that they send, once the first of them has made them.
    pub payloads: RefCell<Option<Rc<RefCell<Payloads>>>>,
}

/// Opens a connection, on the thread that will carry it.
pub type Open = Box<dyn FnOnce(&Rc<Hands>) -> Result<Start, BenchError> + Send>;

/// Uses an open connection from the start of the schedule to the end of its work.
pub type Start = Box<dyn FnOnce(Schedule) -> Working>;

/// A connection in use.
pub type Working = Pin<Box<dyn Future<Output = Result<(), BenchError>>>>;

/// Everything that a run needs.
pub struct Crew {
    /// The connections of each thread, by the core that it runs on.
    pub threads: Vec<(usize, Vec<Open>)>,
    /// What is counted.
    pub kinds: Vec<Kind>,
    /// How long it takes.
    pub length: Length,
    /// How long after its end the load may go on for what was due before.
    pub patience: Duration,
}

/// Deals connections out over cores, one after the other.
pub fn deal(cores: &[usize], lanes: Vec<Open>) -> Vec<(usize, Vec<Open>)> {
    let mut threads: Vec<(usize, Vec<Open>)> = cores
        .iter()
        .take(lanes.len().max(1))
        .map(|core| (*core, Vec::new()))
        .collect();
    let count = threads.len();
    for (index, lane) in lanes.into_iter().enumerate() {
        threads[index % count].1.push(lane);
    }
    threads
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// When the warm-up was over.
    pub started: TimestampMs,
    /// How long was measured.
    pub measured_ms: u64,
    /// Of that time.
    pub totals: Vec<Flow>,
    /// Its seconds.
    pub intervals: Vec<Interval>,
    /// What failed, in the warm-up too.
    pub errors: BTreeMap<String, u64>,
    /// Of the warm-up and after.
    pub all: Vec<Flow>,
    /// Ctrl-C ended it before its time: this is what there was in whole seconds until then, and what was on its way
    /// is in none of them.
    pub interrupted: bool,
}

enum News {
    Ready,
    Tick {
        thread: usize,
        second: u64,
        flows: Vec<Flow>,
        errors: BTreeMap<String, u64>,
        /// When something was counted last, once the thread has nothing more to do.
        end_us: Option<u64>,
    },
    Failed(BenchError),
}

/// Runs the load.
pub fn run(crew: Crew, watch: &mut Watch<'_>) -> Result<Measured, BenchError> {
    let (news, heard) = channel();
    let mut starts = Vec::new();
    for (thread, (core, lanes)) in crew.threads.into_iter().enumerate() {
        let (start, started) = channel();
        let (teller, kinds) = (Teller::new(thread, news.clone()), crew.kinds.clone());
        spawn_shard(core, &format!("bench-{thread}"), move || {
            carry_and_tell(teller, lanes, kinds, started)
        })?;
        starts.push(start);
    }
    drop(news);
    for _ in &starts {
        if let News::Failed(error) = hear(&heard)? {
            return Err(error);
        }
    }
    // Before anything is sent: whoever has seen a record may interrupt.
    let interrupt = Interrupt::listen()?;
    let schedule = crew
        .length
        .schedule(clock::mono_us() + LEAD_US, crew.patience);
    for start in &starts {
        // A thread that is gone has told why.
        let _ = start.send(schedule);
    }
    let warm_up_s = crew.length.warm_up_s();
    if warm_up_s > 0 {
        watch(Progress::Phase("warming up"));
    }
    Collector::new(schedule, warm_up_s, starts.len(), &crew.kinds)
        .collect(&heard, &interrupt, watch)
}

fn hear(heard: &Receiver<News>) -> Result<News, BenchError> {
    heard
        .recv()
        .map_err(|_| io::Error::other("its threads are gone").into())
}

/// Tells of a thread. However the thread ends, it is told.
struct Teller {
    thread: usize,
    news: Sender<News>,
    has_ended: bool,
}

impl Teller {
    fn new(thread: usize, news: Sender<News>) -> Teller {
        Teller {
            thread,
            news,
            has_ended: false,
        }
    }

    fn fail(&mut self, error: BenchError) {
        self.has_ended = true;
        // Nobody hears it if another thread has failed before.
        let _ = self.news.send(News::Failed(error));
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if !self.has_ended {
            let why = "a thread could not start: see the limits of locked memory and open files";
            self.fail(io::Error::other(why).into());
        }
    }
}

async fn carry_and_tell(
    mut teller: Teller,
    lanes: Vec<Open>,
    kinds: Vec<Kind>,
    started: Receiver<Schedule>,
) {
    match carry(&teller, lanes, kinds, started).await {
        Ok(()) => teller.has_ended = true,
        Err(error) => teller.fail(error),
    }
}

/// Opens the connections, waits for the start, and uses them until all are done.
async fn carry(
    teller: &Teller,
    lanes: Vec<Open>,
    kinds: Vec<Kind>,
    started: Receiver<Schedule>,
) -> Result<(), BenchError> {
    let hands = Rc::new(Hands {
        meter: Rc::new(Meter::new(&kinds)),
        timers: Timers::new(),
        payloads: RefCell::default(),
    });
    let open: Vec<Start> = lanes
        .into_iter()
        .map(|lane| lane(&hands))
        .collect::<Result<_, _>>()?;
    let _ = teller.news.send(News::Ready);
    // Nothing else runs on this executor yet, so it may block.
    let Ok(schedule) = started.recv() else {
        return Ok(());
    };
    let ringing = spawn(hands.timers.clone().run());
    let second = Rc::new(Cell::new(0));
    let ticking = spawn(tick(
        hands.clone(),
        schedule.start_us,
        teller.thread,
        second.clone(),
        teller.news.clone(),
    ));
    let working: Vec<_> = open
        .into_iter()
        .map(|start| {
            let (hands, news) = (hands.clone(), teller.news.clone());
            spawn(async move {
                hands.timers.sleep_until(schedule.start_us).await;
                if let Err(error) = start(schedule).await {
                    let _ = news.send(News::Failed(error));
                }
            })
        })
        .collect();
    for lane in working {
        lane.await;
    }
    if schedule.end_us < u64::MAX {
        // A run by time takes its time, though its last record may be due before.
        hands.timers.sleep_until(schedule.end_us).await;
    }
    ticking.cancel().await;
    ringing.cancel().await;
    let end_us = Some(hands.meter.last_us());
    let _ = teller
        .news
        .send(count(&hands.meter, teller.thread, second.get(), end_us));
    Ok(())
}

/// Tells once a second what was counted in it.
async fn tick(
    hands: Rc<Hands>,
    start_us: u64,
    thread: usize,
    second: Rc<Cell<u64>>,
    news: Sender<News>,
) {
    loop {
        hands
            .timers
            .sleep_until(start_us + (second.get() + 1) * SECOND_US)
            .await;
        let _ = news.send(count(&hands.meter, thread, second.get(), None));
        second.set(second.get() + 1);
    }
}

fn count(meter: &Meter, thread: usize, second: u64, end_us: Option<u64>) -> News {
    let (flows, errors) = meter.take();
    News::Tick {
        thread,
        second,
        flows,
        errors,
        end_us,
    }
}

/// Adds up what the threads count.
struct Collector {
    schedule: Schedule,
    warm_up_s: u64,
    /// Seconds that each thread has told of; `None` once it has told of everything.
    told: Vec<Option<u64>>,
    /// The sums of seconds that some thread has not told of yet.
    open: BTreeMap<u64, Vec<Flow>>,
    end_us: u64,
    is_measuring: bool,
    has_ended: bool,
    measured: Measured,
}

impl Collector {
    fn new(schedule: Schedule, warm_up_s: u64, threads: usize, kinds: &[Kind]) -> Collector {
        let none = || kinds.iter().copied().map(Flow::new).collect::<Vec<_>>();
        Collector {
            schedule,
            warm_up_s,
            told: vec![Some(0); threads],
            open: BTreeMap::new(),
            end_us: 0,
            is_measuring: false,
            has_ended: false,
            measured: Measured {
                started: TimestampMs(0),
                measured_ms: 0,
                totals: none(),
                intervals: Vec::new(),
                errors: BTreeMap::new(),
                all: none(),
                interrupted: false,
            },
        }
    }

    fn collect(
        mut self,
        heard: &Receiver<News>,
        interrupt: &Interrupt,
        watch: &mut Watch<'_>,
    ) -> Result<Measured, BenchError> {
        let mut last = None;
        while self.told.iter().any(Option::is_some) {
            let next_us = self.tell_phase(watch);
            let left = Duration::from_micros(next_us.saturating_sub(clock::mono_us()));
            match heard.recv_timeout(left) {
                Ok(News::Failed(error)) => return Err(error),
                Ok(news) => self.take(news, watch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("its threads are gone").into());
                }
            }
            // The second goes on to its end, so that it counts, and what the broker spends until then is for what counts.
            if interrupt.is_noted() {
                let second = *last.get_or_insert(self.second());
                if self.complete() > second || self.second() > second + 1 {
                    return self.interrupted(watch);
                }
            }
        }
        self.tell_phase(watch);
        if !self.has_ended {
            watch(Progress::MeasureEnds);
        }
        Ok(self.finish(watch))
    }

    /// Tells where measuring begins and ends, and when to come back for that.
    fn tell_phase(&mut self, watch: &mut Watch<'_>) -> u64 {
        let now_us = clock::mono_us();
        if !self.is_measuring {
            if now_us < self.schedule.measure_us {
                return self.schedule.measure_us;
            }
            self.is_measuring = true;
            self.measured.started = clock::now().wall;
            watch(Progress::MeasureBegins);
        }
        if !self.has_ended && now_us >= self.schedule.end_us {
            self.has_ended = true;
            watch(Progress::MeasureEnds);
        }
        match self.has_ended {
            false => self.schedule.end_us.min(now_us + SECOND_US),
            true => now_us + SECOND_US,
        }
    }

    fn take(&mut self, news: News, watch: &mut Watch<'_>) {
        let News::Tick {
            thread,
            second,
            flows,
            errors,
            end_us,
        } = news
        else {
            return;
        };
        add(self.open.entry(second).or_default(), &flows);
        for (name, times) in errors {
            *self.measured.errors.entry(name).or_default() += times;
        }
        self.told[thread] = end_us.is_none().then_some(second + 1);
        self.end_us = self.end_us.max(end_us.unwrap_or(0));
        let complete = self.complete();
        // The last second is closed when it is known how much of another has come behind it.
        let planned = self.schedule.end_us.saturating_sub(self.schedule.start_us) / SECOND_US;
        let planned = planned.saturating_sub(1);
        while let Some(entry) = self.open.first_entry()
            && *entry.key() < complete.min(planned)
        {
            let (second, flows) = entry.remove_entry();
            self.close(second, flows, SECOND_US / 1000, watch);
        }
    }

    /// The second that it is.
    fn second(&self) -> u64 {
        clock::mono_us().saturating_sub(self.schedule.start_us) / SECOND_US
    }

    /// Seconds that all threads have told of.
    fn complete(&self) -> u64 {
        self.told.iter().flatten().min().copied().unwrap_or(0)
    }

    fn close(&mut self, second: u64, flows: Vec<Flow>, length_ms: u64, watch: &mut Watch<'_>) {
        let warm_up = second < self.warm_up_s;
        add(&mut self.measured.all, &flows);
        let interval = Interval {
            at_ms: (if warm_up {
                second
            } else {
                second - self.warm_up_s
            }) * 1000,
            length_ms,
            warm_up,
            flows,
        };
        watch(Progress::Interval(&interval));
        if !warm_up {
            add(&mut self.measured.totals, &interval.flows);
            self.measured.intervals.push(interval);
        }
    }

    /// What was measured until now.
    fn interrupted(mut self, watch: &mut Watch<'_>) -> Result<Measured, BenchError> {
        if self.is_measuring && !self.has_ended {
            watch(Progress::MeasureEnds);
        }
        let complete = self.complete();
        for (second, flows) in std::mem::take(&mut self.open) {
            if second < complete {
                self.close(second, flows, SECOND_US / 1000, watch);
            }
        }
        let lengths = self.measured.intervals.iter();
        self.measured.measured_ms = lengths.map(|interval| interval.length_ms).sum();
        self.measured.interrupted = true;
        match self.measured.measured_ms {
            0 => Err(BenchError::Interrupted),
            _ => Ok(self.measured),
        }
    }

    /// The last seconds, up to when something was counted last, or to the end of the schedule if that is later.
    fn finish(mut self, watch: &mut Watch<'_>) -> Measured {
        let planned_us = match self.schedule.end_us {
            u64::MAX => 0,
            end_us => end_us,
        };
        let end_us = self
            .end_us
            .max(planned_us)
            .max(self.schedule.measure_us + 1);
        let whole_ms = (end_us - self.schedule.start_us).div_ceil(1000);
        let mut open = std::mem::take(&mut self.open).into_iter().peekable();
        while let Some((second, mut flows)) = open.next() {
            let left_ms = whole_ms.saturating_sub(second * 1000);
            let mut length_ms = left_ms.min(1000);
            if left_ms < 1000 + REST_MS_MAX
                && let Some((_, rest)) = open.next_if(|(next, _)| *next == second + 1)
            {
                add(&mut flows, &rest);
                length_ms = left_ms;
            }
            // What comes after the end is only the wait for it.
            if length_ms > 0 {
                self.close(second, flows, length_ms, watch);
            }
        }
        let measured_ms = (end_us - self.schedule.measure_us).div_ceil(1000);
        let lengths = self.measured.intervals.iter();
        let told_ms: u64 = lengths.map(|interval| interval.length_ms).sum();
        if let Some(last) = self.measured.intervals.last_mut() {
            // A run by count may end within a second that was told as a whole one.
            let over_ms = told_ms.saturating_sub(measured_ms);
            last.length_ms = last.length_ms.saturating_sub(over_ms).max(1);
        }
        self.measured.measured_ms = measured_ms;
        self.measured
    }
}

fn add(sums: &mut Vec<Flow>, flows: &[Flow]) {
    for flow in flows {
        match sums.iter_mut().find(|sum| sum.kind == flow.kind) {
            Some(sum) => sum.add(flow),
            None => sums.push(flow.clone()),
        }
    }
}
