//! The house rules, enforced by scanning the tree: which module may name which, where `unsafe` may
//! stand, how long a file may be, and what is never left behind. See ARCHITECTURE.md for the reasons.

mod documents;
mod source;

use source::{Named, Source};

/// Bytes and state machines.
const PURE: [&str; 6] = ["base", "protocol", "log", "partition", "group", "metadata"];

/// Modules that touch the operating system or drive what does.
const EDGE_AND_DRIVERS: [&str; 6] = ["io", "mesh", "shard", "control", "boot", "cli"];

/// What makes code impure, beside those modules.
const IMPURE: [&str; 13] = [
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

#[test]
fn pure_modules_name_only_pure_ones() {
    let forbidden = |module: &str, named: &Named| {
        let driver = |name: &&str| starts_with(named, &format!("crate::{name}"));
        let impure = |name: &&str| starts_with(named, name);
        let broken = EDGE_AND_DRIVERS.iter().any(|name| driver(&name))
            || IMPURE.iter().any(|name| impure(&name));
        PURE.contains(&module) && broken
    };
    check_paths(
        forbidden,
        "a pure module has no clock, files, sockets, threads or randomness",
    );
}

#[test]
fn base_names_no_other_module() {
    let forbidden = |module: &str, named: &Named| {
        module == "base" && starts_with(named, "crate") && !starts_with(named, "crate::base")
    };
    check_paths(
        forbidden,
        "base is the vocabulary and knows no other module",
    );
}

#[test]
fn io_knows_nothing_of_kafka() {
    let forbidden = |module: &str, named: &Named| {
        let allowed =
            IO_MAY_NAME.iter().any(|name| starts_with(named, name)) || named.parts.len() == 1;
        module == "io" && starts_with(named, "crate") && !allowed
    };
    check_paths(forbidden, "io knows nothing of Kafka");
}

#[test]
fn only_the_data_plane_knows_its_runtime() {
    let forbidden = |module: &str, named: &Named| {
        starts_with(named, "glommio") && !KNOW_GLOMMIO.contains(&module)
    };
    check_paths(
        forbidden,
        "glommio is named only in io, mesh, shard and boot, so that it can be replaced",
    );
}

#[test]
fn unsafe_code_gives_its_reason() {
    check_files(|file| {
        let lines: Vec<&str> = file.text.lines().collect();
        let uses = file
            .paths()
            .into_iter()
            .filter(|named| named.parts == ["unsafe"]);
        let mut faults = Vec::new();
        for Named { line, .. } in uses {
            let above = &lines[line.saturating_sub(SAFETY_WITHIN_LINES + 1)..line];
            if !MAY_BE_UNSAFE.contains(&file.module()) {
                faults.push((line, "unsafe code lives in io and mesh"));
            } else if !above
                .iter()
                .any(|text| text.contains("SAFETY:") || text.contains("# Safety"))
            {
                faults.push((line, "an unsafe block says why it is sound: // SAFETY: ..."));
            }
        }
        faults
    });
}

#[test]
fn files_are_short() {
    check_files(|file| {
        let long = file.text.lines().count() > LINES_MAX && !file.path.starts_with(GENERATED);
        long.then_some((LINES_MAX, "the file is longer than 600 lines"))
            .into_iter()
            .collect()
    });
}

#[test]
fn nothing_is_left_behind() {
    check_files(|file| {
        let code = file.code.lines().enumerate().flat_map(|(at, line)| {
            let squeezed: String = line.split_whitespace().collect();
            let left = LEFT_IN_CODE
                .iter()
                .filter(move |left| squeezed.contains(left.0));
            left.map(move |left| (at + 1, left.1))
        });
        let text = file.text.lines().enumerate().flat_map(|(at, line)| {
            let words = line.split(|c: char| !c.is_alphanumeric());
            let marks =
                words.filter(|word| *word == MARKS[0].concat() || *word == MARKS[1].concat());
            marks.map(move |_| (at + 1, "mend it, or write it down in GAPS.md"))
        });
        code.chain(text).collect()
    });
}

/// What code says when it is not done, without its spaces.
const LEFT_IN_CODE: [(&str, &str); 5] = [
    ("todo!", "write it"),
    ("unimplemented!", "write it"),
    ("dbg!", "remove it"),
    ("#[ignore", "a test that does not run is no test"),
    ("allow(dead_code", "remove what nothing uses"),
];

/// In two halves, so that this file does not find itself.
const MARKS: [[&str; 2]; 2] = [["FIX", "ME"], ["XX", "X"]];

fn starts_with(named: &Named, prefix: &str) -> bool {
    let mut parts = named.parts.iter();
    prefix
        .split("::")
        .all(|wanted| parts.next().is_some_and(|part| part == wanted))
}

/// Fails with every path of `src/` that `forbidden` (given the file's module) does not want there.
fn check_paths(forbidden: impl Fn(&str, &Named) -> bool, rule: &str) {
    let mut broken = Vec::new();
    for file in source::tree()
        .iter()
        .filter(|file| file.path.starts_with("src/"))
    {
        for named in file
            .paths()
            .iter()
            .filter(|named| forbidden(file.module(), named))
        {
            broken.push(format!(
                "{}:{}: names {}",
                file.path,
                named.line,
                named.parts.join("::")
            ));
        }
    }
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

/// Fails with every fault (its line and what to do) that `find` finds in a file of the tree.
fn check_files(find: impl Fn(&Source) -> Vec<(usize, &'static str)>) {
    let mut broken = Vec::new();
    for file in source::tree() {
        for (line, fault) in find(file) {
            broken.push(format!("{}:{line}: {fault}", file.path));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
