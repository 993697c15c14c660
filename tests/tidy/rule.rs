//! The rules, each with what it finds and a sample that it must find.
//!
//! What only a reader can judge is not here.

use crate::source::{Source, line_of, mentions};

/// One rule about how files read.
pub(crate) struct Rule {
    /// What is expected, as it stands in a report.
    pub(crate) says: &'static str,
    applies: fn(&Source) -> bool,
    /// The lines that break it.
    find: fn(&Source) -> Vec<usize>,
}

impl Rule {
    /// The lines of a file that break this rule, in order.
    pub(crate) fn broken_by(&self, source: &Source) -> Vec<usize> {
        if (self.applies)(source) { (self.find)(source) } else { Vec::new() }
    }
}

pub(crate) const RULES: &[Rule] = &[
    Rule { says: "begins with `//! ` and a sentence of what it is", applies: rust, find: header },
    Rule { says: "is foo.rs beside foo/, not mod.rs", applies: rust, find: mod_file },
    Rule { says: "is named for the one thing in it", applies: rust, find: vague_name },
    Rule { says: "has at most 100 columns", applies: rust, find: long_line },
    Rule { says: "has at most 400 lines of code", applies: rust, find: long_file },
    Rule { says: "has at most 150 lines of inline tests", applies: rust, find: long_tests },
    Rule { says: "has functions of at most 70 lines", applies: rust, find: long_function },
    Rule { says: "does not unwrap outside of tests", applies: rust, find: unwrap },
    Rule { says: "has no todo!, unimplemented! or dbg!", applies: rust, find: stub },
    Rule { says: "leaves nothing to do in comments", applies: rust, find: left_open },
    Rule { says: "has no #[ignore] or #[should_panic]", applies: rust, find: weak_test },
    Rule { says: "has no allow without a reason", applies: rust, find: bare_allow },
    Rule { says: "does not sleep in tests", applies: rust, find: sleep },
    Rule { says: "has no get_ functions", applies: rust, find: getter },
    Rule { says: "calls things what the field calls them", applies: rust, find: own_word },
    Rule { says: "has no tabs", applies: rust, find: tab },
    Rule { says: "does no I/O, waits for nothing, asks no clock", applies: engine, find: outside },
    Rule { says: "has no white space at the end of a line", applies: written, find: trailing },
    Rule { says: "ends with one newline", applies: written, find: last_newline },
    Rule { says: "names nothing of where it was written", applies: text, find: workplace },
];

const CODE_LINES_MAX: usize = 400;
const TEST_LINES_MAX: usize = 150;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

fn rust(source: &Source) -> bool {
    source.is_rust()
}

fn engine(source: &Source) -> bool {
    source.is_rust() && source.path.starts_with("engine/src/")
}

/// Snapshots hold what a program said, as it said it, and patches what diff did.
fn written(source: &Source) -> bool {
    ![".snap", ".patch"].iter().any(|made| source.path.ends_with(made))
}

fn text(_: &Source) -> bool {
    true
}

fn header(source: &Source) -> Vec<usize> {
    let paragraph: Vec<&str> =
        source.text.lines().map_while(|line| line.strip_prefix("//! ")).map(str::trim).collect();
    let is_sentence = paragraph.last().is_some_and(|line| line.ends_with(['.', '?', ':']));
    if is_sentence { vec![] } else { vec![1] }
}

fn mod_file(source: &Source) -> Vec<usize> {
    let is_support = source.path == "tests/support/mod.rs";
    if source.path.ends_with("/mod.rs") && !is_support { vec![1] } else { vec![] }
}

fn vague_name(source: &Source) -> Vec<usize> {
    let mut parts = source.path.trim_end_matches(".rs").split('/');
    let vague = ["utils", "util", "helpers", "common", "manager", "types"];
    if parts.any(|part| vague.contains(&part)) { vec![1] } else { vec![] }
}

fn long_line(source: &Source) -> Vec<usize> {
    text_lines(source, |line| line.chars().count() > COLUMNS_MAX)
}

fn long_file(source: &Source) -> Vec<usize> {
    let is_whole_test = source.is_test(1);
    let code = source.lines().filter(|(line, text)| {
        let text = text.trim();
        !text.is_empty() && !text.starts_with("//") && (is_whole_test || !source.is_test(*line))
    });
    code.map(|(line, _)| line).nth(CODE_LINES_MAX).into_iter().collect()
}

fn long_tests(source: &Source) -> Vec<usize> {
    let inline = source.tests.iter().filter(|lines| *lines.start() > 1);
    inline.filter(|lines| span(lines) > TEST_LINES_MAX).map(|lines| *lines.start()).collect()
}

fn long_function(source: &Source) -> Vec<usize> {
    let long = source.functions().filter(|lines| span(lines) > FUNCTION_LINES_MAX);
    long.map(|lines| *lines.start()).collect()
}

fn span(lines: &std::ops::RangeInclusive<usize>) -> usize {
    lines.end() - lines.start() + 1
}

fn unwrap(source: &Source) -> Vec<usize> {
    let mut lines = code_lines(source, |code| mentions(code, ".unwrap()"));
    lines.retain(|line| !source.is_test(*line));
    lines
}

fn stub(source: &Source) -> Vec<usize> {
    let macros = ["todo!", "unimplemented!", "dbg!"];
    code_lines(source, |code| macros.iter().any(|name| mentions(code, name)))
}

fn left_open(source: &Source) -> Vec<usize> {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    text_lines(source, |line| words.iter().any(|word| mentions(line, word)))
}

/// What things were called here before they had the names that everybody knows.
fn own_word(source: &Source) -> Vec<usize> {
    let words = [
        concat!("err", "and"),
        concat!("Err", "and"),
        concat!("Tick", "et"),
        concat!("car", "ve"),
        concat!("lag", "gard"),
        concat!("Abor", "tion"),
        concat!("Wind", "Up"),
        concat!("stage", "hand"),
        concat!("mis", "hap"),
        concat!("un", "seal"),
        concat!("Tak", "er"),
        concat!("dis", "place"),
    ];
    text_lines(source, |line| words.iter().any(|word| mentions(line, word)))
}

fn weak_test(source: &Source) -> Vec<usize> {
    let marks = ["#[ignore", "#[should_panic"];
    code_lines(source, |code| marks.iter().any(|mark| code.contains(mark)))
}

fn bare_allow(source: &Source) -> Vec<usize> {
    let allows = source.code.match_indices("[allow(");
    allows
        .filter(|(at, _)| {
            let attribute = &source.code[*at..];
            let end = attribute.find(']').unwrap_or(attribute.len());
            !mentions(&attribute[..end], "reason")
        })
        .map(|(at, _)| line_of(&source.code, at))
        .collect()
}

fn sleep(source: &Source) -> Vec<usize> {
    let mut lines = code_lines(source, |code| mentions(code, "thread::sleep"));
    lines.retain(|line| source.is_test(*line));
    lines
}

fn getter(source: &Source) -> Vec<usize> {
    code_lines(source, |code| mentions(code, "fn get_"))
}

fn tab(source: &Source) -> Vec<usize> {
    text_lines(source, |line| line.contains('\t'))
}

fn outside(source: &Source) -> Vec<usize> {
    let tokens = [
        "std::fs",
        "std::net",
        "std::thread",
        "std::process",
        "std::env",
        "fs::",
        "net::",
        "thread::",
        "Instant::now",
        "SystemTime",
        "async",
        ".await",
    ];
    code_lines(source, |code| tokens.iter().any(|token| mentions(code, token)))
}

fn trailing(source: &Source) -> Vec<usize> {
    text_lines(source, |line| line.ends_with(char::is_whitespace))
}

fn last_newline(source: &Source) -> Vec<usize> {
    let text = &source.text;
    let is_ended = text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n");
    if is_ended { vec![] } else { vec![text.lines().count()] }
}

/// In pieces, so that this file does not name them either.
const WORKPLACE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/fa", "rm/"),
    concat!("../sha", "red"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("py", "pi.org"),
    concat!("deb.deb", "ian.org"),
    concat!("npm", "js.org"),
    concat!("clau", "de"),
    concat!("anthro", "pic"),
    concat!("chat", "gpt"),
    concat!("copi", "lot"),
    concat!("sub", "agent"),
];

fn workplace(source: &Source) -> Vec<usize> {
    text_lines(source, |line| {
        let line = line.to_ascii_lowercase();
        WORKPLACE.iter().any(|word| line.contains(word))
    })
}

fn text_lines(source: &Source, is_bad: impl Fn(&str) -> bool) -> Vec<usize> {
    source.lines().filter(|(_, text)| is_bad(text)).map(|(line, _)| line).collect()
}

fn code_lines(source: &Source, is_bad: impl Fn(&str) -> bool) -> Vec<usize> {
    source.code_lines().filter(|(_, code)| is_bad(code)).map(|(line, _)| line).collect()
}
