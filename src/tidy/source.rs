//! Rust source as the rules see it: lines, comments apart from code, and the paths that the code names.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::{fs, iter, mem};

/// One file of the tree.
pub struct Source {
    /// Relative to the package, with slashes.
    pub path: String,
    /// As it stands.
    pub text: String,
    /// The text with comments and literals blanked, line by line the same.
    pub code: String,
}

/// A path such as `crate::io::clock`, with the line (from 1) where its last part stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// The line.
    pub line: usize,
    /// The path's parts; `super` is resolved where it leads to the crate's root.
    pub parts: Vec<String>,
}

impl Named {
    /// Whether it is `path`, or something in it.
    pub fn is_in(&self, path: &str) -> bool {
        let mut parts = self.parts.iter();
        let same = |wanted| parts.next().is_some_and(|part| part == wanted);
        path.split("::").all(same)
    }

    /// Whether it is something of this crate. A bare `crate` is that of `pub(crate)`.
    pub fn is_of_crate(&self) -> bool {
        self.is_in("crate") && self.parts.len() > 1
    }
}

impl Source {
    /// A file with this text.
    pub fn new(path: &str, text: &str) -> Source {
        let code = blank(text);
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
        }
    }

    /// The top module: `log` for `src/log/append.rs`.
    pub fn module(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or("");
        inside.split(['/', '.']).next().unwrap_or("")
    }

    /// How deep its module lies below the crate's root.
    fn depth(&self) -> usize {
        let parts = self.path.trim_end_matches("/mod.rs").split('/');
        parts.skip(1).count()
    }

    /// Every path that the code names, `use` groups taken apart.
    pub fn paths(&self) -> Vec<Named> {
        let tokens = tokens(&self.code);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            match is_word(tokens[at].1) {
                true => at = path(&tokens, at, &[], &mut found),
                false => at += 1,
            }
        }
        let inline = inline_modules(&tokens);
        for named in &mut found {
            let inside = inline
                .iter()
                .filter(|lines| lines.contains(&named.line))
                .count();
            let depth = self.depth() + inside;
            let supers = named
                .parts
                .iter()
                .take_while(|part| *part == "super")
                .count();
            if supers > 0 && supers >= depth {
                named.parts.splice(..supers, iter::once("crate".to_owned()));
            }
        }
        found
    }
}

/// Every Rust file below the package's folders that hold our own code, in order.
pub fn tree() -> &'static [Source] {
    static TREE: LazyLock<Vec<Source>> = LazyLock::new(read_tree);
    &TREE
}

fn read_tree() -> Vec<Source> {
    let root = root();
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "fuzz"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let read = |file: &PathBuf| {
        let path = file
            .strip_prefix(&root)
            .expect("a file lies below the root");
        let text = fs::read_to_string(file).expect("a source file is readable text");
        Source::new(&path.to_string_lossy(), &text)
    };
    files.iter().map(read).collect()
}

/// The package's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.map(|entry| entry.expect("a folder can be listed").path()) {
        let ours = !entry.ends_with("target") && !entry.ends_with("node_modules");
        if entry.is_dir() && ours {
            collect(&entry, files);
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            files.push(entry);
        }
    }
}

/// Reads the path or `use` tree at `at`, adds what it names, and returns the place behind it.
fn path(
    tokens: &[(usize, &str)],
    mut at: usize,
    before: &[String],
    found: &mut Vec<Named>,
) -> usize {
    let mut parts = before.to_vec();
    let mut line = tokens[at].0;
    loop {
        match tokens.get(at).map(|token| token.1) {
            Some("{") => return group(tokens, at + 1, &parts, found),
            Some(word) if is_word(word) || word == "*" => {
                parts.push(word.to_owned());
                line = tokens[at].0;
                at += 1;
            }
            _ => break,
        }
        match tokens.get(at).map(|token| token.1) {
            Some("::") => at += 1,
            _ => break,
        }
    }
    found.push(Named { line, parts });
    at
}

/// The trees of a `use` group, up to its closing brace.
fn group(
    tokens: &[(usize, &str)],
    mut at: usize,
    before: &[String],
    found: &mut Vec<Named>,
) -> usize {
    while let Some((_, token)) = tokens.get(at) {
        match *token {
            "}" => return at + 1,
            word if is_word(word) || word == "*" || word == "{" => {
                at = path(tokens, at, before, found);
            }
            _ => at += 1,
        }
    }
    at
}

/// The lines that `mod name { ... }` spans, for each one in the file.
fn inline_modules(tokens: &[(usize, &str)]) -> Vec<std::ops::RangeInclusive<usize>> {
    let mut open = Vec::new();
    let mut spans = Vec::new();
    for (at, (line, token)) in tokens.iter().enumerate() {
        match *token {
            "{" => open.push((at >= 2 && tokens[at - 2].1 == "mod").then_some(*line)),
            "}" => spans.extend(open.pop().flatten().map(|from| from..=*line)),
            _ => {}
        }
    }
    spans
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Words, `::`, and all else by the character; each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (number, mut rest) in code.lines().enumerate() {
        while let Some(first) = rest.chars().next() {
            let len = match first {
                _ if first.is_alphanumeric() || first == '_' => {
                    let ends = |c: char| !c.is_alphanumeric() && c != '_';
                    rest.find(ends).unwrap_or(rest.len())
                }
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            if !first.is_whitespace() {
                tokens.push((number + 1, &rest[..len]));
            }
            rest = &rest[len..];
        }
    }
    tokens
}

/// The text with comments, strings and characters blanked.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut last = ' ';
    while let Some(first) = rest.chars().next() {
        let in_word = last.is_alphanumeric() || last == '_';
        let hidden = hidden_len(rest, in_word);
        let len = hidden.unwrap_or(first.len_utf8());
        let (piece, behind) = rest.split_at(len);
        match hidden {
            Some(_) => code.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
            None => code.push_str(piece),
        }
        last = mem::replace(&mut rest, behind)
            .chars()
            .next()
            .unwrap_or(' ');
    }
    code
}

/// The length of the comment or literal that `rest` begins with, if it does.
fn hidden_len(rest: &str, in_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_len(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted_len(rest, '"'));
    }
    if rest.starts_with('\'') {
        return character_len(rest);
    }
    let raw = rest.strip_prefix("br").or(rest.strip_prefix('r'))?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    if in_word || !raw[hashes..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let opened = rest.len() - raw.len() + hashes + 1;
    let closed = rest[opened..].find(&end);
    Some(closed.map_or(rest.len(), |at| opened + at + end.len()))
}

fn block_comment_len(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth += change;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character's length; a lifetime is none.
fn character_len(rest: &str) -> Option<usize> {
    let mut inside = rest.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => Some(quoted_len(rest, '\'')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let cases = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d\n */ e", "a               \n    e"),
            (r#"f("x\"y", 'z')"#, "f(      ,    )"),
            ("br#\"a\"b\"# c", "          c"),
            ("&'a str, '\\''", "&'a str,     "),
            ("bar\"x\"", "bar   "),
            ("unsafe // unsafe", "unsafe          "),
        ];
        for (text, expected) in cases {
            assert_eq!(blank(text), expected, "of {text}");
        }
    }

    #[test]
    fn paths_are_taken_apart() {
        let cases = [
            (
                "src/log/a.rs",
                "crate::{base::{A, B}, io};",
                "crate::base::A crate::base::B crate::io",
            ),
            ("src/log/a.rs", "x(std::fs::read(y))", "x std::fs::read y"),
            ("src/log/a.rs", "super::super::io;", "crate::io"),
            ("src/log/a.rs", "super::io;", "super::io"),
            ("src/log/mod.rs", "super::io;", "crate::io"),
            (
                "src/log/mod.rs",
                "mod tests {\nsuper::io;\n}",
                "mod tests super::io",
            ),
            (
                "src/log/mod.rs",
                "mod tests {\nsuper::super::io;\n}",
                "mod tests crate::io",
            ),
        ];
        for (path, text, expected) in cases {
            let named = Source::new(path, text).paths();
            let shown: Vec<String> = named.iter().map(|named| named.parts.join("::")).collect();
            assert_eq!(shown.join(" "), expected, "of {text} in {path}");
        }
    }
}
