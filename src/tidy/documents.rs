//! What the documents say that can be checked: the API table, the examples, the files and crates they name.

use std::fs;

use super::source::root;
use crate::protocol::api::ApiKey;

#[test]
fn the_readme_tells_the_api_table() {
    let rows = ApiKey::ALL.iter().map(|api| {
        let spec = api.spec();
        let versions = match spec.min_version == spec.max_version {
            true => spec.min_version.to_string(),
            false => format!("{}-{}", spec.min_version, spec.max_version),
        };
        format!("| {} | {} | {versions} |\n", api.code(), spec.name)
    });
    let table = format!(
        "| key | API | versions |\n| --: | --- | --- |\n{}\n",
        rows.collect::<String>()
    );
    assert!(
        read("README.md").contains(&table),
        "README.md should hold this table:\n{table}"
    );
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let readme = read("README.md");
    for file in ["kafka_python.py", "KafkaQuickstart.java", "kcat.sh"] {
        let example = read(&format!("examples/{file}"));
        let shown = readme.contains(&format!("\n{example}```\n"));
        assert!(shown, "README.md should hold examples/{file} word for word");
    }
}

#[test]
fn files_that_the_documents_name_exist() {
    let mut missing = Vec::new();
    for document in ["README.md", "ARCHITECTURE.md", "GAPS.md", "CHANGELOG.md"] {
        for (line, text) in read(document).lines().enumerate() {
            // Every second piece between backticks is code.
            for name in text.split('`').skip(1).step_by(2) {
                let ours = [
                    "src/",
                    "tests/",
                    "scripts/",
                    "benches/",
                    "examples/",
                    "schema/",
                    "fuzz/",
                    "tuning/",
                ];
                let is_path =
                    ours.iter().any(|folder| name.starts_with(folder)) && !name.contains(' ');
                if is_path && !root().join(name).exists() {
                    missing.push(format!("{document}:{}: no such file: {name}", line + 1));
                }
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_dependency_has_its_reason() {
    let architecture = read("ARCHITECTURE.md");
    let manifest = read("Cargo.toml");
    let sections = manifest.split("\n[").filter(|section| {
        section.starts_with("dependencies]") || section.starts_with("dev-dependencies]")
    });
    let names =
        sections.flat_map(|section| section.lines().filter_map(|line| line.split_once(" = ")));
    for (name, _) in names {
        let told = architecture.contains(&format!("\n- **{name}**: "));
        assert!(told, "ARCHITECTURE.md should say why {name} was chosen");
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
