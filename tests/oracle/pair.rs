//! Two brokers that are asked the same.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use ringlog::base::TopicId;
use ringlog::protocol::ApiKey;
use ringlog::protocol::messages::*;

use crate::client::{Answer, Heard, Link, Request, request};
use crate::common::Broker;
use crate::normalise::{Fields, Names};

/// How long an answer may take on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// The connection of scenarios that need only one.
const MAIN: &str = "main";

/// One broker, the connections to it and what it has told so far.
pub struct Side {
    broker: Broker,
    links: BTreeMap<&'static str, Link>,
    notes: BTreeMap<String, String>,
    names: Names,
}

impl Side {
    fn new(broker: Broker) -> Side {
        let mut names = Names::of_port(broker.address().port());
        names.alias(&broker.bootstrap(), "address");
        names.alias(&broker.data_dir().display().to_string(), "data");
        Side {
            broker,
            links: BTreeMap::new(),
            notes: BTreeMap::new(),
            names,
        }
    }

    /// What [`Pair::remember`] kept; nothing if the answer never came.
    pub fn text(&self, note: &str) -> &str {
        self.notes.get(note).map_or("", String::as_str)
    }

    /// A number that [`Pair::remember`] kept.
    pub fn number<T: std::str::FromStr + Default>(&self, note: &str) -> T {
        self.text(note).parse().unwrap_or_default()
    }

    /// The id of a topic that [`Pair::create_topic`] made, none for the empty name, and for every
    /// other name an id that no topic has.
    pub fn topic_id(&self, topic: &str) -> TopicId {
        match u128::from_str_radix(self.text(&id_note(topic)), 16) {
            Ok(number) => TopicId(number.to_be_bytes()),
            Err(_) if topic.is_empty() => TopicId::ZERO,
            Err(_) => TopicId([0xbb; 16]),
        }
    }

    fn link(&mut self, name: &'static str) -> &mut Link {
        let address = self.broker.address();
        self.links
            .entry(name)
            .or_insert_with(|| Link::open(address))
    }

    fn call(&mut self, request: &Request) -> Heard {
        let link = self.link("setup");
        link.send(request);
        let heard = link.hear(ANSWER_LIMIT);
        if heard.answer().is_none() {
            self.links.remove("setup");
        }
        heard
    }
}

/// What the two brokers said, in the order of [`Pair::sides`].
pub struct Answers(pub [Heard; 2]);

/// A field in which two answers differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The API that was asked.
    pub api: Option<ApiKey>,
    /// Its version.
    pub version: i16,
    /// What the request was about.
    pub what: String,
    /// The request itself.
    pub request: String,
    /// The field's path.
    pub path: String,
    /// What each said; nothing where it has no such field.
    pub values: [Option<String>; 2],
    /// Whether Kafka's answer says UNKNOWN_SERVER_ERROR somewhere.
    pub beside_unknown_server_error: bool,
    /// Whether the other answer says another error somewhere.
    pub ringlog_refuses: bool,
}

/// The broker under test and the oracle.
pub struct Pair {
    /// The broker under test, then Apache Kafka.
    pub sides: [Side; 2],
    /// Every difference so far.
    pub differences: Vec<Difference>,
    /// How many answers, and fields in them, have been compared.
    pub compared: (usize, usize),
    scenario: &'static str,
    unanswered: BTreeMap<&'static str, VecDeque<(String, Request)>>,
}

impl Pair {
    /// Takes two running brokers.
    pub fn new(brokers: [Broker; 2]) -> Pair {
        Pair {
            sides: brokers.map(Side::new),
            differences: Vec::new(),
            compared: (0, 0),
            scenario: "",
            unanswered: BTreeMap::new(),
        }
    }

    /// Begins a scenario, with connections of its own.
    pub fn begin(&mut self, scenario: &'static str) {
        self.scenario = scenario;
        self.unanswered.clear();
        for side in &mut self.sides {
            side.links.clear();
            side.broker.assert_alive();
        }
    }

    /// The versions of an API that both brokers serve and our codec knows.
    pub fn versions(&mut self, api: ApiKey) -> std::ops::RangeInclusive<i16> {
        let spec = api.spec();
        let (mut min, mut max) = (spec.min_version, spec.max_version);
        for side in &mut self.sides {
            let heard = side.call(&request(0, &ApiVersionsRequest::default()));
            let answer: ApiVersionsResponse<'_> = match heard.answer() {
                Some(answer) => answer.decode(),
                None => ApiVersionsResponse::default(),
            };
            let told = answer.api_keys.iter().find(|it| it.api_key == api.code());
            min = min.max(told.map_or(0, |it| it.min_version));
            max = max.min(told.map_or(-1, |it| it.max_version));
        }
        min..=max
    }

    /// Sends one request to both brokers and compares their answers.
    pub fn ask(&mut self, what: &str, build: impl Fn(&Side) -> Request) -> Answers {
        self.send_on(MAIN, what, build);
        self.hear_on(MAIN)
    }

    /// The same over a connection of this name.
    pub fn ask_on(
        &mut self,
        link: &'static str,
        what: &str,
        build: impl Fn(&Side) -> Request,
    ) -> Answers {
        self.send_on(link, what, build);
        self.hear_on(link)
    }

    /// Sends a request whose answers [`Pair::hear_on`] will compare.
    pub fn send_on(&mut self, link: &'static str, what: &str, build: impl Fn(&Side) -> Request) {
        for side in &mut self.sides {
            let request = build(side);
            side.link(link).send(&request);
        }
        let shown = build(&self.sides[1]);
        let queue = self.unanswered.entry(link).or_default();
        queue.push_back((what.to_owned(), shown));
    }

    /// Sends a request that is never answered.
    pub fn tell(&mut self, build: impl Fn(&Side) -> Request) {
        for side in &mut self.sides {
            let request = build(side);
            side.link(MAIN).send_raw(&request.frame);
        }
    }

    /// Waits for both answers to the oldest request on this connection, and compares them.
    pub fn hear_on(&mut self, link: &'static str) -> Answers {
        self.hear_knowing(link, |_, _| ())
    }

    /// The same, but [`Pair::remember`]s something of the answers before they are compared.
    pub fn hear_and_remember(
        &mut self,
        link: &'static str,
        note: &str,
        pick: impl Fn(&Answer) -> String,
    ) -> Answers {
        self.hear_knowing(link, |pair, answers| pair.remember(note, answers, &pick))
    }

    fn hear_knowing(&mut self, link: &'static str, learn: impl Fn(&mut Pair, &Answers)) -> Answers {
        let queue = self.unanswered.entry(link).or_default();
        let (what, asked) = queue.pop_front().expect("a request without an answer");
        let answers = Answers(self.hear_both(link, ANSWER_LIMIT));
        learn(self, &answers);
        let heard = &answers.0;
        let all = heard.each_ref().map(|heard| self.fields_of(heard));
        let fields = [0, 1].map(|at| all[at](&self.sides[at].names));
        self.compare(Some(asked.api), asked.version, &what, &asked.shown, fields);
        answers
    }

    /// Sends bytes as they are on a new connection, and compares what follows: an answer of any
    /// kind, the end, or silence for `limit`.
    pub fn ask_raw(&mut self, what: &str, bytes: &[u8], limit: Duration) {
        for side in &mut self.sides {
            side.links.remove("raw");
            side.link("raw").send_raw(bytes);
        }
        let ends = self.sides.each_mut().map(|side| {
            let end = side.link("raw").hear_bytes(limit);
            side.links.remove("raw");
            Fields::from([("connection".to_owned(), end.to_owned())])
        });
        let head: String = bytes.iter().take(60).map(|b| format!("{b:02x}")).collect();
        self.compare(None, 0, what, &head, ends);
    }

    /// Keeps something that only its broker can know, such as a member id, under a name: requests
    /// get it back from the [`Side`], and in comparisons it stands as `<name>`.
    pub fn remember(&mut self, note: &str, from: &Answers, pick: impl Fn(&Answer) -> String) {
        for (side, heard) in self.sides.iter_mut().zip(&from.0) {
            let Some(answer) = heard.answer() else {
                continue;
            };
            let text = pick(answer);
            side.names.alias(&text, note);
            side.notes.insert(note.to_owned(), text);
        }
    }

    /// Whether anything has differed since `before`, a length of [`Pair::differences`].
    pub fn differed_since(&self, before: usize) -> bool {
        self.differences.len() > before
    }

    /// Repeats a request on each side by itself until `done` likes its answer, and compares nothing:
    /// for what takes a broker its own time.
    pub fn until(
        &mut self,
        what: &str,
        build: impl Fn(&Side) -> Request,
        done: impl Fn(&Answer) -> bool,
    ) {
        let deadline = Instant::now() + ANSWER_LIMIT;
        for at in [0, 1] {
            let asked = build(&self.sides[at]);
            loop {
                let heard = self.sides[at].call(&asked);
                if heard.answer().is_some_and(&done) {
                    break;
                }
                if Instant::now() > deadline {
                    self.never(at, what, &asked, &heard);
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// Creates a topic on both sides and waits until each leads all its partitions.
    pub fn create_topic(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        let configs = configs
            .iter()
            .map(|(name, value)| create_topics::CreatableTopicConfig {
                name,
                value: Some(value),
            });
        let create = request(
            7,
            &CreateTopicsRequest {
                topics: vec![create_topics::CreatableTopic {
                    name,
                    num_partitions: partitions,
                    replication_factor: 1,
                    assignments: Vec::new(),
                    configs: configs.collect(),
                }],
                timeout_ms: 10_000,
                validate_only: false,
            },
        );
        for at in [0, 1] {
            let heard = self.sides[at].call(&create);
            let created: Option<CreateTopicsResponse<'_>> = heard.answer().map(Answer::decode);
            let made = created.as_ref().and_then(|answer| answer.topics.first());
            match made.filter(|topic| topic.error_code == 0) {
                Some(topic) => self.sides[at].learn_topic(name, topic.topic_id),
                None => self.never(at, "set up a topic", &create, &heard),
            }
        }
        self.await_leaders(name, partitions);
    }

    /// Waits until both sides lead every partition of a topic: right after its creation Kafka's
    /// metadata names leaders that refuse for a moment.
    pub fn await_leaders(&mut self, name: &str, partitions: i32) {
        let latest = |index| list_offsets::ListOffsetsPartition {
            partition_index: index,
            current_leader_epoch: -1,
            timestamp: -1,
        };
        let asked = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![list_offsets::ListOffsetsTopic {
                name,
                partitions: (0..partitions).map(latest).collect(),
            }],
            ..ListOffsetsRequest::default()
        };
        self.until(
            "lead a topic",
            |_| request(4, &asked),
            |answer| {
                let answer: ListOffsetsResponse<'_> = answer.decode();
                let mut found = answer.topics.iter().flat_map(|topic| &topic.partitions);
                found.all(|partition| partition.error_code == 0)
            },
        );
    }

    /// Waits until neither side knows a topic any more: Kafka's metadata tells of a deletion a moment later.
    pub fn await_gone(&mut self, name: &str) {
        self.until(
            "await that a topic is gone",
            |_| about(name),
            |answer| {
                let answer: MetadataResponse<'_> = answer.decode();
                answer.topics.first().is_some_and(|it| it.error_code != 0)
            },
        );
    }

    /// Learns the id of a topic from what Metadata says of it on each side.
    pub fn learn_topic(&mut self, name: &str) {
        for side in &mut self.sides {
            let heard = side.call(&about(name));
            let answer: Option<MetadataResponse<'_>> = heard.answer().map(Answer::decode);
            if let Some(topic) = answer.as_ref().and_then(|answer| answer.topics.first()) {
                side.learn_topic(name, topic.topic_id);
            }
        }
    }

    fn hear_both(&mut self, link: &'static str, limit: Duration) -> [Heard; 2] {
        let heard = self
            .sides
            .each_mut()
            .map(|side| side.link(link).hear(limit));
        if heard.iter().any(|heard| heard.answer().is_none()) {
            self.unanswered.remove(link);
            for side in &mut self.sides {
                side.links.remove(link);
            }
        }
        heard
    }

    fn fields_of(&self, heard: &Heard) -> impl Fn(&Names) -> Fields + use<> {
        let tree = heard.answer().map(Answer::tree);
        let end = match heard {
            Heard::Answer(_) => "answered",
            Heard::Closed => "closed",
            Heard::Silence => "silent",
        };
        move |names| {
            let mut fields = tree
                .as_ref()
                .map(|tree| names.fields(tree))
                .unwrap_or_default();
            fields.insert("connection".to_owned(), end.to_owned());
            fields
        }
    }

    fn compare(
        &mut self,
        api: Option<ApiKey>,
        version: i16,
        what: &str,
        asked: &str,
        said: [Fields; 2],
    ) {
        let [ours, theirs] = &said;
        self.compared.0 += 1;
        self.compared.1 += ours.len().max(theirs.len());
        let mut found = BTreeMap::new();
        for path in ours.keys().chain(theirs.keys()) {
            let values = [ours.get(path), theirs.get(path)];
            if values[0] != values[1] {
                let place = lone_element(path, [ours, theirs]).unwrap_or(path);
                found.insert(place, said.each_ref().map(|fields| value_at(fields, place)));
            }
        }
        let beside_unknown_server_error = errors(theirs).any(|error| error.starts_with("-1 "));
        let ringlog_refuses = errors(ours).any(|error| !error.starts_with("0 "));
        for (path, values) in found {
            self.differences.push(Difference {
                api,
                version,
                what: format!("{}: {what}", self.scenario),
                request: asked.to_owned(),
                path: path.to_owned(),
                values,
                beside_unknown_server_error,
                ringlog_refuses,
            });
        }
    }

    fn never(&mut self, at: usize, what: &str, asked: &Request, heard: &Heard) {
        let mut values = [Some("done".to_owned()), Some("done".to_owned())];
        values[at] = Some(match heard.answer() {
            Some(answer) => format!("{:?}", self.sides[at].names.fields(&answer.tree())),
            None => format!("{heard:?}"),
        });
        self.differences.push(Difference {
            api: Some(asked.api),
            version: asked.version,
            what: format!("{}: {what}", self.scenario),
            request: asked.shown.clone(),
            path: "in time".to_owned(),
            values,
            beside_unknown_server_error: false,
            ringlog_refuses: false,
        });
    }
}

impl Side {
    fn learn_topic(&mut self, name: &str, id: TopicId) {
        self.names.alias(&id.to_string(), &format!("id of {name}"));
        let number = u128::from_be_bytes(id.0);
        self.notes.insert(id_note(name), format!("{number:032x}"));
    }
}

fn id_note(topic: &str) -> String {
    format!("id of {topic}")
}

/// The outermost list element around `path` of which one side has nothing at all.
fn lone_element<'a>(path: &'a str, said: [&Fields; 2]) -> Option<&'a str> {
    let ends = path.match_indices(']').map(|(at, _)| &path[..=at]);
    let is_lone = |place: &&str| {
        let under = |fields: &Fields| fields.keys().any(|path| path.starts_with(place));
        under(said[0]) != under(said[1])
    };
    ends.into_iter().find(is_lone)
}

/// The error codes in an answer.
fn errors(fields: &Fields) -> impl Iterator<Item = &str> {
    let errors = fields
        .iter()
        .filter(|(path, _)| path.ends_with("error_code"));
    errors.map(|(_, error)| error.as_str())
}

/// The value of a field, or all fields of an element.
fn value_at(fields: &Fields, place: &str) -> Option<String> {
    if let Some(value) = fields.get(place) {
        return Some(value.clone());
    }
    let below = fields.iter().filter_map(|(path, value)| {
        let rest = path.strip_prefix(place)?;
        Some(format!("{}={value}", rest.trim_start_matches('.')))
    });
    let all: Vec<String> = below.collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Asks what is known of one topic, without making it.
fn about(topic: &str) -> Request {
    let asked = MetadataRequest {
        topics: Some(vec![metadata::MetadataRequestTopic {
            name: Some(topic),
            ..Default::default()
        }]),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    request(10, &asked)
}
