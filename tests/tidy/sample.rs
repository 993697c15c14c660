//! For each rule, files that break it and files that only look as if they did.
//!
//! A rule that nothing here breaks could not fail, and is a failure itself.

use crate::rule::RULES;
use crate::source::Source;

/// A file, and the lines of it that break the rule.
struct Sample {
    /// Some words of the rule; all other rules may be broken as well.
    rule: &'static str,
    path: &'static str,
    text: String,
    broken: Vec<usize>,
}

fn sample(
    rule: &'static str,
    path: &'static str,
    text: impl Into<String>,
    broken: &[usize],
) -> Sample {
    Sample { rule, path, text: text.into(), broken: broken.to_vec() }
}

fn samples() -> Vec<Sample> {
    [shapes(), habits(), outside(), characters()].into_iter().flatten().collect()
}

fn shapes() -> Vec<Sample> {
    let lines = |count: usize, line: &str| format!("{line}\n").repeat(count);
    let tests = |count| format!("\n#[cfg(test)]\nmod tests {{\n{}}}\n", lines(count, "    // x"));
    let function = |count| format!("\nfn f() {{\n{}}}\n", lines(count, "    f();"));
    vec![
        sample("begins with", "bin/x.rs", "use x;\n", &[1]),
        sample("begins with", "bin/x.rs", "//!\n//! What it is.\n", &[1]),
        sample("begins with", "bin/x.rs", "//! placeholder\n", &[1]),
        sample("begins with", "bin/x.rs", "", &[1]),
        sample("begins with", "bin/x.rs", "//! What it is,\n//! and more.\n//!\n//! x\n", &[]),
        sample("the field calls", "bin/x.rs", concat!("//! An err", "and.\n"), &[1]),
        sample("the field calls", "bin/x.rs", "//! A task, a straggler, a lock.\n", &[]),
        sample("not mod.rs", "bin/x/mod.rs", "", &[1]),
        sample("not mod.rs", "tests/support/mod.rs", "", &[]),
        sample("not mod.rs", "bin/x/remod.rs", "", &[]),
        sample("one thing", "bin/utils.rs", "", &[1]),
        sample("one thing", "bin/common/x.rs", "", &[1]),
        sample("one thing", "bin/types.rs", "", &[1]),
        sample("one thing", "bin/mistypes.rs", "", &[]),
        sample("100 columns", "bin/x.rs", format!("\n{}\n", "ä".repeat(101)), &[2]),
        sample("100 columns", "bin/x.rs", "ä".repeat(100), &[]),
        sample("400 lines", "bin/x.rs", lines(402, "x;"), &[401]),
        sample("400 lines", "bin/x/tests.rs", lines(401, "x;"), &[401]),
        sample("400 lines", "bin/x.rs", lines(400, "x;\n// y") + &tests(9), &[]),
        sample("150 lines", "bin/x.rs", tests(148), &[2]),
        sample("150 lines", "bin/x.rs", tests(147), &[]),
        sample("150 lines", "bin/x/tests.rs", lines(200, "x;"), &[]),
        sample("70 lines", "bin/x.rs", function(69), &[2]),
        sample("70 lines", "tests/x.rs", function(69), &[2]),
        sample("70 lines", "bin/x.rs", function(68) + &lines(9, "const F: fn() = f;"), &[]),
    ]
}

fn habits() -> Vec<Sample> {
    vec![
        sample("unwrap", "bin/x.rs", "fn f() {\n    x.unwrap();\n}\n", &[2]),
        sample("unwrap", "bin/x.rs", "#[cfg(test)]\nmod a;\nfn f() {\n    x.unwrap();\n}\n", &[4]),
        sample(
            "unwrap",
            "bin/x.rs",
            "// x.unwrap()\nfn f() { x.unwrap_or(\".unwrap()\"); }\n",
            &[],
        ),
        sample("unwrap", "bin/x.rs", "#[cfg(test)]\nmod a {\n    x.unwrap();\n}\n", &[]),
        sample("unwrap", "tests/x.rs", "fn f() { x.unwrap(); }\n", &[]),
        sample("todo!", "bin/x.rs", "todo!();\nunimplemented!();\ndbg!(x);\n", &[1, 2, 3]),
        sample("todo!", "bin/x.rs", "// todo!()\nmy_dbg!(\"dbg!\");\n", &[]),
        sample(
            "to do in",
            "bin/x.rs",
            concat!("// TO", "DO: x\n// FIX", "ME\n//XX", "X\n"),
            &[1, 2, 3],
        ),
        sample("to do in", "bin/x.rs", "// What is to do: see below.\nTODOS\n", &[]),
        sample(
            "#[ignore]",
            "tests/x.rs",
            "#[ignore]\n#[ignore = \"x\"]\n#[should_panic]\n",
            &[1, 2, 3],
        ),
        sample("#[ignore]", "tests/x.rs", "// #[ignore]\n", &[]),
        sample("allow without", "bin/x.rs", "#![allow(x)]\n#[allow(\n    y,\n)]\n", &[1, 2]),
        sample("allow without", "bin/x.rs", "#[allow(x, reason = \"y\")]\n#[expect(x)]\n", &[]),
        sample("sleep", "tests/x.rs", "use std::thread::sleep;\n", &[1]),
        sample("sleep", "bin/x.rs", "#[cfg(test)]\nmod x {\n    thread::sleep(y);\n}\n", &[3]),
        sample("sleep", "bin/x.rs", "fn f() { thread::sleep(y); }\n", &[]),
        sample("get_", "bin/x.rs", "impl X {\n    pub fn get_y() {}\n}\n", &[2]),
        sample("get_", "bin/x.rs", "fn target_y() { x.get_y(); }\n", &[]),
        sample("tabs", "bin/x.rs", "\n\tx\n", &[2]),
        sample("tabs", "bin/x.rs", "\"\\t\"\n", &[]),
    ]
}

fn outside() -> Vec<Sample> {
    let rule = "does no I/O";
    let codes = [
        "use std::fs::File;",
        "std::net::lookup();",
        "thread::yield_now();",
        "std::process::exit(1);",
        "std::env::args();",
        "let now = Instant::now();",
        "fn f(x: SystemTime) {}",
        "async fn f() {}",
        "x.await;",
    ];
    let samples = codes.into_iter().flat_map(|code| {
        [
            sample(rule, "engine/src/x.rs", code, &[1]),
            sample(rule, "engine/src/x.rs", format!("/// {code}"), &[]),
            sample(rule, "bin/x.rs", code, &[]),
        ]
    });
    samples.collect()
}

fn characters() -> Vec<Sample> {
    vec![
        sample("end of a line", "x.md", "x \n\ny\t\nz\r\n", &[1, 3, 4]),
        sample("end of a line", "x.snap", "x \n", &[]),
        sample("one newline", "x.toml", "x\ny", &[2]),
        sample("one newline", "x.toml", "x\n\n", &[2]),
        sample("one newline", "x.toml", "x\n", &[]),
        sample("one newline", "x.toml", "", &[]),
        sample("where it was", "x.md", concat!("cd /wo", "rk/x\nNetwork/x\n"), &[1]),
        sample("where it was", "x.yml", concat!("x: ../sha", "red\n# Clau", "de\n"), &[1, 2]),
        sample("where it was", "x.md", "MOSHI_TRACES, /home/me, crates.io\n", &[]),
    ]
}

#[test]
fn each_sample_breaks_its_rule_where_it_should() {
    for Sample { rule, path, text, broken } in samples() {
        let rules: Vec<_> = RULES.iter().filter(|known| known.says.contains(rule)).collect();
        assert_eq!(rules.len(), 1, "{rule:?} should be of one rule");
        let found = rules[0].broken_by(&Source::new(path, &text));
        assert_eq!(found, broken, "{}: {path}: {text:?}", rules[0].says);
    }
}

#[test]
fn each_rule_has_a_sample_that_breaks_it_and_one_that_does_not() {
    let samples = samples();
    for rule in RULES {
        let own: Vec<_> = samples.iter().filter(|sample| rule.says.contains(sample.rule)).collect();
        let broken = own.iter().filter(|sample| !sample.broken.is_empty()).count();
        assert!(broken > 0, "{}: nothing breaks this", rule.says);
        assert!(broken < own.len(), "{}: everything breaks this", rule.says);
    }
}
