//! A tracked file as the rules see it: its text, its code without comments and literals, and which
//! of its lines are tests.
//!
//! Judges nothing. It knows as much of Rust as that takes: where literals, comments and items end.

use std::ops::RangeInclusive;

/// One tracked text file.
pub(crate) struct Source {
    /// Relative to the root of the repository, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with blanks in the place of comments and literals. Empty if it is not Rust.
    pub(crate) code: String,
    /// Lines of items that are there only for tests; the first line is 1.
    pub(crate) tests: Vec<RangeInclusive<usize>>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { blank(text) } else { String::new() };
        let tests = test_items(&code);
        let mut source = Self { path: path.to_owned(), text: text.to_owned(), code, tests };
        if is_test_path(path) {
            source.set_test();
        }
        source
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Makes all of it a test.
    pub(crate) fn set_test(&mut self) {
        self.tests = Vec::from([1..=self.text.lines().count()]);
    }

    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// The lines of the text, the first of which is 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.split('\n'))
    }

    /// The lines of the code, the first of which is 1.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.split('\n'))
    }

    /// The lines of each function, from `fn` to its last brace.
    pub(crate) fn functions(&self) -> impl Iterator<Item = RangeInclusive<usize>> {
        self.code.match_indices("fn ").filter_map(|(at, word)| {
            let is_name = |c: char| c.is_alphabetic() || c == '_';
            let is_function = !ends_in_name(&self.code[..at])
                && self.code[at + word.len()..].starts_with(is_name);
            is_function.then(|| item_lines(&self.code, at))
        })
    }

    /// The files, without their `.rs`, of modules that are there only for tests.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main" | "mod")) => folder,
            _ => stem,
        };
        let declared = self.code_lines().filter(|(line, _)| self.is_test(*line));
        declared
            .filter_map(|(_, code)| code.trim().strip_suffix(';')?.rsplit_once("mod "))
            .map(|(_, name)| format!("{folder}/{name}"))
            .collect()
    }
}

/// Whether the text holds `token` as a word of its own, not as the end or start of a longer one.
pub(crate) fn mentions(text: &str, token: &str) -> bool {
    text.match_indices(token).any(|(at, _)| {
        let is_start = !token.starts_with(is_name) || !ends_in_name(&text[..at]);
        let is_end = !token.ends_with(char::is_alphanumeric)
            || !text[at + token.len()..].starts_with(is_name);
        is_start && is_end
    })
}

/// Which line of `text` the byte `at` is in; the first is 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn is_test_path(path: &str) -> bool {
    let mut parts = path.trim_end_matches(".rs").split('/');
    parts.any(|part| matches!(part, "tests" | "benches"))
}

/// The lines of items under `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<RangeInclusive<usize>> {
    let marks = ["#[cfg(test)]", "#[cfg(all(test"];
    let starts = marks.iter().flat_map(|mark| code.match_indices(mark));
    starts.map(|(at, _)| item_lines(code, at)).collect()
}

/// The lines of the item that begins at the byte `start`: to its brace or its semicolon.
fn item_lines(code: &str, start: usize) -> RangeInclusive<usize> {
    let mut depth = 0;
    let end = code[start..].find(|c: char| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth == 0 && matches!(c, '}' | ';')
    });
    line_of(code, start)..=line_of(code, start + end.unwrap_or(code.len() - start))
}

/// Puts blanks in the place of comments and literals; lines stay lines.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let opaque = opaque_len(rest, ends_in_name(&code));
        let (token, behind) = rest.split_at(opaque.max(first.len_utf8()));
        if opaque > 0 {
            code.extend(token.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            code.push_str(token);
        }
        rest = behind;
    }
    code
}

/// How long the comment or literal is that the text begins with; 0 if it does not.
fn opaque_len(text: &str, is_in_name: bool) -> usize {
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        block_comment_len(text)
    } else {
        let raw_len = if is_in_name { None } else { raw_string_len(text) };
        raw_len.unwrap_or_else(|| quoted_len(text))
    }
}

fn raw_string_len(text: &str) -> Option<usize> {
    let raw = text.strip_prefix(['b', 'c']).unwrap_or(text).strip_prefix('r')?;
    let quoted = raw.trim_start_matches('#');
    let end = format!("\"{}", &raw[..raw.len() - quoted.len()]);
    let content = quoted.strip_prefix('"')?;
    let len = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(text.len() - content.len() + len)
}

/// Block comments nest.
fn block_comment_len(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// How long the string or character is that the text begins with; 0 for a lifetime.
fn quoted_len(text: &str) -> usize {
    let mut chars = text.char_indices();
    let Some((_, quote @ ('"' | '\''))) = chars.next() else { return 0 };
    if quote == '\'' && !text[1..].starts_with('\\') && text.chars().nth(2) != Some('\'') {
        return 0;
    }
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

fn ends_in_name(text: &str) -> bool {
    text.ends_with(is_name)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn comments_and_literals_are_blank() {
    let cases = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d\n */ e", "a               \n    e"),
        (r#"a("b\"//", 'c', '\'', '"')"#, "a(       ,    ,     ,    )"),
        (r##"a(r#"b"c"#, br"\", 'x)"##, "a(        ,      , 'x)"),
        ("fn a<'b>(c: &'b str) {}", "fn a<'b>(c: &'b str) {}"),
        ("bar\"x\"", "bar   "),
        ("a//b", "a   "),
        ("\"a\nb\" c", "  \n   c"),
        ("\"\" a \"never closed", "   a              "),
    ];
    for (text, expected) in cases {
        assert_eq!(blank(text), expected, "{text}");
    }
}

#[test]
fn tests_are_told_from_the_rest() {
    let text = "fn a() {}\n#[cfg(test)]\nmod far;\nfn b(c: [u8; 2]) -> u8 {\n    0\n}\n\
                #[cfg(test)]\npub(crate) mod tests {\n    fn d() {}\n}\n";
    let source = Source::new("bin/x.rs", text);
    assert_eq!(source.tests, [2..=3, 7..=10]);
    assert_eq!(source.functions().collect::<Vec<_>>(), [1..=1, 4..=6, 9..=9]);
    assert_eq!(source.test_modules(), ["bin/x/far"]);
    assert_eq!(Source::new("bin/lib.rs", text).test_modules(), ["bin/far"]);
    for path in ["tests/x.rs", "engine/src/x/tests.rs", "engine/src/x/tests/y.rs", "benches/x.rs"] {
        assert!(Source::new(path, text).is_test(4), "{path}");
    }
}

#[test]
fn words_are_whole() {
    let cases = [
        ("use std::fs;", "fs", true),
        ("use std::fsx;", "fs", false),
        ("offs::x()", "fs::", false),
        ("fs::read()", "fs::", true),
        ("fn get_it()", "fn get_", true),
        ("fn target_it()", "fn get_", false),
    ];
    for (text, token, expected) in cases {
        assert_eq!(mentions(text, token), expected, "{token} in {text}");
    }
}
