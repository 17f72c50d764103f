//! The syntax of Java's `.properties` files (`java.util.Properties.load`), in UTF-8.

use std::iter::Peekable;
use std::str::Chars;

use thiserror::Error;

/// A name and its value, as a file has them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Property {
    /// The line on which it begins, counted from 1.
    pub line: usize,
    /// The name, without escapes.
    pub name: String,
    /// The value, without escapes; trailing blanks belong to it.
    pub value: String,
}

/// An escape `\u` without four hexadecimal digits behind it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("\\u needs four hexadecimal digits behind it")]
pub struct BadEscape {
    /// The line on which the property begins, counted from 1.
    pub line: usize,
}

/// Reads a file's text; properties come in the order in which they are written.
pub fn parse(text: &str) -> Result<Vec<Property>, BadEscape> {
    let mut lines = natural_lines(text).zip(1..).peekable();
    let mut properties = Vec::new();
    while let Some((first, line)) = lines.next() {
        let first = first.trim_start_matches(is_blank);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let logical = join_continuations(first, &mut lines);
        let (name, value) = split(&logical).ok_or(BadEscape { line })?;
        properties.push(Property { line, name, value });
    }
    Ok(properties)
}

/// Lines ended by a line feed, a carriage return, or both.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

fn join_continuations<'a>(
    first: &str,
    lines: &mut Peekable<impl Iterator<Item = (&'a str, usize)>>,
) -> String {
    let mut logical = first.to_owned();
    while continues(&logical) {
        logical.pop();
        let Some((next, _)) = lines.next() else { break };
        logical.push_str(next.trim_start_matches(is_blank));
    }
    logical
}

/// Whether the line ends in a backslash that is not itself escaped.
fn continues(line: &str) -> bool {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    backslashes % 2 == 1
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// Name and value of a logical line.
fn split(line: &str) -> Option<(String, String)> {
    let mut chars = line.chars().peekable();
    let name = unescape(&mut chars, |c| is_blank(c) || matches!(c, '=' | ':'))?;
    skip_blanks(&mut chars);
    if chars.next_if(|c| matches!(c, '=' | ':')).is_some() {
        skip_blanks(&mut chars);
    }
    let value = unescape(&mut chars, |_| false)?;
    Some((name, value))
}

fn skip_blanks(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| is_blank(*c)).is_some() {}
}

/// Takes characters up to an unescaped one that ends the part.
fn unescape(chars: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> Option<String> {
    let mut units = Vec::new();
    while let Some(c) = chars.next_if(|c| !ends(*c)) {
        let c = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    units.push(unicode_unit(chars)?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\x0c',
                Some(other) => other,
                None => break,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    // Two escapes may make one character beyond the basic plane; half of one is replaced.
    Some(String::from_utf16_lossy(&units))
}

fn unicode_unit(chars: &mut Peekable<Chars<'_>>) -> Option<u16> {
    (0..4).try_fold(0, |unit, _| {
        let digit = chars.next()?.to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str, &str)]) {
        let found = parse(text).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|p| (p.line, p.name.as_str(), p.value.as_str()))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn names_and_values_part_as_java_parts_them() {
        check("a=1", &[(1, "a", "1")]);
        check("a = 1", &[(1, "a", "1")]);
        check(
            "a:1\na : 2\na 3\na\t4",
            &[(1, "a", "1"), (2, "a", "2"), (3, "a", "3"), (4, "a", "4")],
        );
        check("  a  =  b = c ", &[(1, "a", "b = c ")]);
        check("a", &[(1, "a", "")]);
        check("a=", &[(1, "a", "")]);
        check("=b", &[(1, "", "b")]);
        check("a==b", &[(1, "a", "=b")]);
        check(r"a\=b\:c\ d=e", &[(1, "a=b:c d", "e")]);
    }

    #[test]
    fn comments_and_empty_lines_do_not_count() {
        check(
            "# x=1\n! y=2\n\n   \n\t# z\na=1 # b\n",
            &[(6, "a", "1 # b")],
        );
        check("# no continuation \\\na=1", &[(2, "a", "1")]);
    }

    #[test]
    fn lines_continue_behind_a_backslash() {
        check(
            "a=1,\\\n   2,\\\n\t3\nb=4",
            &[(1, "a", "1,2,3"), (4, "b", "4")],
        );
        check("a=1\\\\\nb=2", &[(1, "a", "1\\"), (2, "b", "2")]);
        check("a=1\\\\\\\n2", &[(1, "a", "1\\2")]);
        check("a=1\\", &[(1, "a", "1")]);
        check("a=1\\\n\nb=2", &[(1, "a", "1"), (3, "b", "2")]);
    }

    #[test]
    fn any_line_end_will_do() {
        check(
            "a=1\r\nb=2\rc=3\n",
            &[(1, "a", "1"), (2, "b", "2"), (3, "c", "3")],
        );
    }

    #[test]
    fn escapes_are_taken_out() {
        check(r"a=\t\n\r\f\q\\", &[(1, "a", "\t\n\r\x0cq\\")]);
        check(r"a=\u00e9\uD83D\uDE00", &[(1, "a", "é😀")]);
        check("a=é", &[(1, "a", "é")]);
        for wrong in [r"a=\u12", r"a=\u12g4", r"a=\u"] {
            let text = format!("b=1\n{wrong}");
            assert_eq!(parse(&text), Err(BadEscape { line: 2 }));
        }
    }
}
