//! Random sequences of events: nothing is forgotten, and the log tells the same as the memory.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    /// All members join, and ask for their assignments.
    Assemble,
    JoinNew {
        static_id: Option<u8>,
        other_metadata: bool,
        version: i16,
    },
    JoinAgain {
        who: usize,
        other_metadata: bool,
    },
    Sync {
        who: usize,
    },
    Heartbeat {
        who: usize,
    },
    Leave {
        who: usize,
    },
    Commit {
        who: Option<usize>,
        offset: i64,
    },
    Fetch,
    DeleteGroup,
    DeleteOffsets,
    DeleteTopic,
    Wait {
        ms: u64,
    },
    Land,
    Fail,
    Restart,
}

/// Small bounds, so that they are reached.
fn config() -> GroupConfig {
    GroupConfig {
        members_max: 4,
        offsets_retention_ms: 500_000,
        ..GroupConfig::default()
    }
}

fn events() -> impl Strategy<Value = Event> {
    let who = 0..8usize;
    prop_oneof![
        4 => Just(Event::Assemble),
        6 => (proptest::option::of(0..3u8), any::<bool>(), prop_oneof![Just(3i16), Just(8), Just(9)])
            .prop_map(|(static_id, other_metadata, version)| Event::JoinNew { static_id, other_metadata, version }),
        8 => (who.clone(), any::<bool>()).prop_map(|(who, other_metadata)| Event::JoinAgain { who, other_metadata }),
        8 => who.clone().prop_map(|who| Event::Sync { who }),
        3 => who.clone().prop_map(|who| Event::Heartbeat { who }),
        2 => who.clone().prop_map(|who| Event::Leave { who }),
        4 => (proptest::option::of(who), 0..100i64).prop_map(|(who, offset)| Event::Commit { who, offset }),
        1 => Just(Event::Fetch),
        1 => Just(Event::DeleteGroup),
        1 => Just(Event::DeleteOffsets),
        1 => Just(Event::DeleteTopic),
        4 => prop_oneof![Just(1u64), Just(3_000), Just(10_000), Just(30_000), Just(700_000)]
            .prop_map(|ms| Event::Wait { ms }),
        8 => Just(Event::Land),
        1 => Just(Event::Fail),
        1 => Just(Event::Restart),
    ]
}

/// A member that asks: mostly one of the group, else one that has been.
fn pick(desk: &Desk, known: &[String], who: usize) -> (String, Option<String>) {
    let group = desk.coordinator.groups.get("g");
    let members = group.into_iter().flat_map(|group| group.members.values());
    let mut members: Vec<_> = members
        .map(|m| (m.id.to_string(), m.instance_id.as_deref().map(String::from)))
        .collect();
    if let Some(group) = group {
        members.extend(group.pending_joins.iter().map(|id| (id.to_string(), None)));
    }
    match (members.len(), known.len()) {
        (0, 0) => ("nobody".into(), None),
        (0, _) | (_, 1..) if who == 7 || members.is_empty() => {
            (known[who % known.len()].clone(), None)
        }
        (count, _) => members.swap_remove(who % count),
    }
}

fn generation(desk: &Desk) -> GenerationId {
    let group = desk.coordinator.groups.get("g");
    group.map_or(GenerationId(0), |group| group.generation_id)
}

fn apply(desk: &mut Desk, known: &[String], event: Event) {
    let generation_id = generation(desk);
    match event {
        Event::JoinNew {
            static_id,
            other_metadata,
            version,
        } => {
            let mut request = join("", &protocols(other_metadata));
            request.group_instance_id = static_id.map(|id| format!("i{id}"));
            request.api_version = version;
            desk.join(request);
        }
        Event::JoinAgain {
            who,
            other_metadata,
        } => {
            let (id, instance) = pick(desk, known, who);
            let mut request = join(&id, &protocols(other_metadata));
            request.group_instance_id = instance;
            desk.join(request);
        }
        Event::Sync { who } => {
            let (id, _) = pick(desk, known, who);
            sync_as(desk, &id);
        }
        Event::Assemble => assemble(desk),
        Event::Heartbeat { who } => {
            let (id, _) = pick(desk, known, who);
            desk.heartbeat(&id, generation_id.get());
        }
        Event::Leave { who } => {
            let (id, instance) = pick(desk, known, who);
            desk.leave(&[(&id, instance.as_deref())]);
        }
        Event::Commit { who, offset } => {
            let request = match who.map(|who| pick(desk, known, who)) {
                Some((id, _)) => commit("g", &id, generation_id.get(), "t", offset),
                None => commit("g", "", -1, "t", offset),
            };
            desk.commit(request);
        }
        Event::Fetch => {
            let mut request = fetch("g", "t");
            request.require_stable = true;
            desk.fetch(request);
        }
        Event::DeleteGroup => {
            desk.ask(|c, now, token, out| c.delete_groups(now, vec!["g".into()], token, out));
        }
        Event::DeleteOffsets => {
            let request = OffsetDelete {
                group_id: "g".into(),
                topics: vec![("t".into(), vec![PartitionIndex(0)])],
            };
            desk.ask(|c, now, token, out| c.delete_offsets(now, request, token, out));
        }
        Event::DeleteTopic => {
            let gone = [DeletedTopic {
                name: "t".into(),
                topic_id: TopicId([1; 16]),
            }];
            desk.run(|c, now, out| c.on_topics_deleted(now, &gone, out));
        }
        Event::Wait { ms } => desk.wait(ms),
        Event::Land => desk.land(),
        Event::Fail => desk.fail(ErrorCode::NotEnoughReplicas),
        Event::Restart => restart(desk),
    }
}

/// Remembers who is in the group, for when they have gone.
fn learn(desk: &Desk, known: &mut Vec<String>) {
    let group = desk.coordinator.groups.get("g");
    for id in group.into_iter().flat_map(|group| group.members.keys()) {
        if !known.iter().any(|known| **known == **id) {
            known.push(id.to_string());
        }
    }
}

fn assemble(desk: &mut Desk) {
    for who in 0..6 {
        let (id, instance) = pick(desk, &[], who);
        let mut request = join(&id, &protocols(false));
        request.group_instance_id = instance;
        desk.join(request);
    }
    desk.wait(DELAY_MS);
    for who in 0..6 {
        let (id, _) = pick(desk, &[], who);
        sync_as(desk, &id);
    }
}

fn sync_as(desk: &mut Desk, id: &str) {
    let mut request = sync(id, generation(desk).get());
    if let Some(group) = desk.coordinator.groups.get("g") {
        let members = group.members.keys();
        request.assignments = members
            .map(|id| (id.to_string(), id.to_string().into()))
            .collect();
    }
    desk.sync(request);
}

fn protocols(other_metadata: bool) -> [(&'static str, &'static [u8]); 1] {
    [("range", if other_metadata { b"other" } else { b"same" })]
}

/// The process dies: what was parked or in flight is known with its connections.
fn restart(desk: &mut Desk) {
    let mut next = desk.restarted(config());
    assert_eq!(next.coordinator.offsets, desk.coordinator.offsets);
    next.is_prompt = desk.is_prompt;
    next.uuids = desk.uuids;
    *desk = next;
}

/// A stable group is in the log as it is in memory.
fn check_stable(desk: &Desk) {
    let group = |desk: &Desk| {
        let group = desk.coordinator.groups.get("g")?;
        let mut value = group.as_value(|member| member.assignment.clone());
        value.state_timestamp = None;
        Some(value)
    };
    if desk.in_flight.is_empty() && desk.state() == "Stable" {
        let restarted = desk.restarted(config());
        assert_eq!(group(&restarted), group(desk));
    }
}

/// Lets everything end: appends land, and whoever waits does so for as long as it takes.
fn settle(desk: &mut Desk) {
    desk.is_prompt = true;
    desk.land();
    for _ in 0..20 {
        desk.wait(300_000);
    }
    for token in &desk.asked {
        assert!(desk.has_reply(*token), "a request is forgotten");
    }
}

/// What must be the same after a restart, when nothing is in flight and no member is left.
fn quiet_state(desk: &Desk) -> Vec<(String, &'static str, i32)> {
    let groups = desk.coordinator.groups.values();
    let state = |g: &crate::group::classic_group::ClassicGroup| {
        (g.id.to_string(), g.state.name(), g.generation_id.get())
    };
    groups.map(state).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_answered_once_and_the_log_tells_the_truth(
        events in proptest::collection::vec(events(), 1..60),
        is_prompt in any::<bool>(),
    ) {
        let mut desk = Desk::with(config());
        desk.is_prompt = is_prompt;
        let mut known = Vec::new();
        let mut has_failed = false;
        for event in events {
            has_failed |= matches!(event, Event::Fail);
            apply(&mut desk, &known, event);
            learn(&desk, &mut known);
            if !has_failed {
                check_stable(&desk);
            }
        }
        settle(&mut desk);
        let restarted = desk.restarted(config());
        prop_assert_eq!(&restarted.coordinator.offsets, &desk.coordinator.offsets);
        // An empty generation that could not be written is the one thing that Kafka leaves out.
        if !has_failed {
            prop_assert_eq!(quiet_state(&restarted), quiet_state(&desk));
        }
    }
}
