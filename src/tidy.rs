//! The house rules, enforced by scanning the tree: which module may name which, where `unsafe` may
//! stand, how long a file may be, and what is never left behind. See ARCHITECTURE.md for the reasons.

mod documents;
mod source;

use source::{Named, Source};

/// Bytes and state machines.
const PURE: [&str; 6] = ["base", "protocol", "log", "partition", "group", "metadata"];

/// What makes code impure: the modules that touch the operating system or drive what does, and what they use.
const IMPURE: [&str; 20] = [
    "crate::io",
    "crate::mesh",
    "crate::shard",
    "crate::control",
    "crate::bench",
    "crate::boot",
    "crate::cli",
    "glommio",
    "tokio",
    "libc",
    "axum",
    "io_uring",
    "socket2",
    "getrandom",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// The only modules that know the runtime.
const KNOW_GLOMMIO: [&str; 4] = ["io", "mesh", "shard", "boot"];

/// The only modules with `unsafe`.
const MAY_BE_UNSAFE: [&str; 2] = ["io", "mesh"];

/// What `io` may take from the pure side: the vocabulary, and the one trait that it implements for
/// searches in a log's files.
const IO_MAY_NAME: [&str; 3] = ["crate::io", "crate::base", "crate::log::locate::ReadAt"];

/// Lines of a file; only generated code is longer.
const LINES_MAX: usize = 600;
const GENERATED: &str = "src/protocol/messages/";

/// How far above an `unsafe` its reason may stand.
const SAFETY_WITHIN_LINES: usize = 8;

/// What code says when it is not done, without its spaces, and what to do about it.
const LEFT_IN_CODE: [(&str, &str); 5] = [
    ("todo!", "write it"),
    ("unimplemented!", "write it"),
    ("dbg!", "remove it"),
    ("#[ignore", "a test that does not run is no test"),
    ("allow(dead_code", "remove what nothing uses"),
];

/// In two halves, so that this file does not find itself.
const MARKS: [[&str; 2]; 2] = [["FIX", "ME"], ["XX", "X"]];

/// A line, and what is wrong there.
type Fault = (usize, String);

/// Finds what a file does against one rule.
type Rule = fn(&Source) -> Vec<Fault>;

#[test]
fn pure_modules_name_only_pure_ones() {
    check(pure);
}

#[test]
fn base_names_no_other_module() {
    check(vocabulary);
}

#[test]
fn io_knows_nothing_of_kafka() {
    check(edge);
}

#[test]
fn only_the_data_plane_knows_its_runtime() {
    check(runtime);
}

#[test]
fn unsafe_code_gives_its_reason() {
    check(safety);
}

#[test]
fn files_are_short() {
    check(length);
}

#[test]
fn nothing_is_left_behind() {
    check(left_behind);
}

fn pure(file: &Source) -> Vec<Fault> {
    if !PURE.contains(&file.module()) {
        return Vec::new();
    }
    let rule = "pure code has no clock, files, sockets, threads or randomness";
    naming(file, rule, |path| {
        IMPURE.iter().any(|name| path.is_in(name))
    })
}

fn vocabulary(file: &Source) -> Vec<Fault> {
    if file.module() != "base" {
        return Vec::new();
    }
    let rule = "base is the vocabulary and names no other module";
    naming(file, rule, |path| {
        path.is_of_crate() && !path.is_in("crate::base")
    })
}

fn edge(file: &Source) -> Vec<Fault> {
    if file.module() != "io" {
        return Vec::new();
    }
    let allowed = |path: &Named| IO_MAY_NAME.iter().any(|name| path.is_in(name));
    naming(file, "io knows nothing of Kafka", |path| {
        path.is_of_crate() && !allowed(path)
    })
}

fn runtime(file: &Source) -> Vec<Fault> {
    if !file.path.starts_with("src/") || KNOW_GLOMMIO.contains(&file.module()) {
        return Vec::new();
    }
    let rule = "only io, mesh, shard and boot know glommio, so that it can be replaced";
    naming(file, rule, |path| path.is_in("glommio"))
}

fn safety(file: &Source) -> Vec<Fault> {
    let lines: Vec<&str> = file.text.lines().collect();
    let explained = |line: usize| {
        let above = &lines[line.saturating_sub(SAFETY_WITHIN_LINES + 1)..line];
        above
            .iter()
            .any(|text| text.contains("SAFETY:") || text.contains("# Safety"))
    };
    let uses = file.paths().into_iter().filter(|path| path.is_in("unsafe"));
    uses.filter_map(|Named { line, .. }| {
        // Tests may ask the kernel for what only a test needs, such as cutting the power.
        let is_test = file.path.starts_with("tests/");
        if !is_test && !MAY_BE_UNSAFE.contains(&file.module()) {
            Some((line, "unsafe code lives in io and mesh".to_owned()))
        } else if !explained(line) {
            Some((
                line,
                "unsafe code says why it is sound (// SAFETY: ...)".to_owned(),
            ))
        } else {
            None
        }
    })
    .collect()
}

fn length(file: &Source) -> Vec<Fault> {
    let lines = file.text.lines().count();
    let long = lines > LINES_MAX && !file.path.starts_with(GENERATED);
    let fault = || {
        (
            LINES_MAX,
            format!("{lines} lines are more than {LINES_MAX}"),
        )
    };
    long.then(fault).into_iter().collect()
}

fn left_behind(file: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, line) in file.code.lines().enumerate() {
        let squeezed: String = line.split_whitespace().collect();
        for (left, advice) in LEFT_IN_CODE {
            if squeezed.contains(left) {
                faults.push((at + 1, format!("{left}: {advice}")));
            }
        }
    }
    for (at, line) in file.text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        if words.any(|word| MARKS.iter().any(|mark| word == mark.concat())) {
            faults.push((at + 1, "mend it, or write it down in GAPS.md".to_owned()));
        }
    }
    faults
}

/// The paths of a file that are forbidden there.
fn naming(file: &Source, rule: &str, forbidden: impl Fn(&Named) -> bool) -> Vec<Fault> {
    let paths = file.paths().into_iter().filter(forbidden);
    paths
        .map(|path| {
            (
                path.line,
                format!("names {}: {rule}", path.parts.join("::")),
            )
        })
        .collect()
}

/// Fails with everything in the tree that is against a rule.
fn check(rule: Rule) {
    let in_file = |file: &Source| {
        let told = |(line, fault)| format!("{}:{line}: {fault}\n", file.path);
        rule(file).into_iter().map(told).collect::<String>()
    };
    let broken: String = source::tree().iter().map(in_file).collect();
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn rules_find_what_they_forbid() {
    let cases: [(Rule, &str, &str, &[usize]); 20] = [
        (pure, "src/log/a.rs", "use crate::{base, io};", &[1]),
        (
            pure,
            "src/log/a.rs",
            "\nfn f() { std::time::Instant::now(); }",
            &[2],
        ),
        (pure, "src/log/a.rs", "use super::super::shard;", &[1]),
        (
            pure,
            "src/log/a.rs",
            "use super::control; // crate::io",
            &[],
        ),
        (pure, "src/io/a.rs", "use std::fs;", &[]),
        (
            vocabulary,
            "src/base/a.rs",
            "pub(crate) use crate::base::limits;",
            &[],
        ),
        (vocabulary, "src/base/a.rs", "use crate::log::Log;", &[1]),
        (edge, "src/io/a.rs", "use crate::log::locate::ReadAt;", &[]),
        (
            edge,
            "src/io/a.rs",
            "use crate::log::{\nlocate::ReadAt,\nLog};",
            &[3],
        ),
        (runtime, "src/control/a.rs", "use glommio::timer;", &[1]),
        (runtime, "src/shard/a.rs", "use glommio::timer;", &[]),
        (safety, "src/io/a.rs", "// SAFETY: it is.\nunsafe {}", &[]),
        (safety, "src/io/a.rs", "unsafe {}", &[1]),
        (safety, "tests/a.rs", "// SAFETY: it is.\nunsafe {}", &[]),
        (safety, "tests/a.rs", "unsafe {}", &[1]),
        (
            safety,
            "src/shard/a.rs",
            "// SAFETY: it is.\nunsafe {}",
            &[2],
        ),
        (length, "src/io/a.rs", &"\n".repeat(601), &[600]),
        (length, "src/protocol/messages/a.rs", &"\n".repeat(601), &[]),
        (left_behind, "src/io/a.rs", "f(); dbg! (x)\n\"dbg!\"", &[1]),
        (
            left_behind,
            "src/io/a.rs",
            &format!("// {}: x", MARKS[0].concat()),
            &[1],
        ),
    ];
    for (rule, path, text, expected) in cases {
        let found: Vec<usize> = rule(&Source::new(path, text))
            .iter()
            .map(|fault| fault.0)
            .collect();
        assert_eq!(found, expected, "{path}: {text}");
    }
}
