//! What is committed is what the schema says.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{generate, schema};

#[test]
fn generated_code_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol/messages");
    let files = generate::files(&schema::load());
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(&folder).expect("the folder");
        for (name, source) in &files {
            std::fs::write(folder.join(name), source).expect("a written file");
        }
        return;
    }
    for (name, source) in &files {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            committed == *source,
            "{name} is stale; see schema/README.md"
        );
    }
    let expected: BTreeSet<_> = files.iter().map(|(name, _)| name.clone()).collect();
    let present: BTreeSet<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    assert_eq!(present, expected);
}
