//! The command as it was typed, to be shown and pasted again.
//!
//! Never shows a token, nor what stands behind the `?` of an address, which may be a signature.

use std::ffi::OsString;

use engine::hub::target::shown_text;

/// The arguments as one line for a shell.
pub(crate) fn typed(arguments: impl IntoIterator<Item = OsString>) -> String {
    let mut words = Vec::new();
    let mut is_secret = false;
    for argument in arguments {
        let argument = argument.to_string_lossy();
        if std::mem::take(&mut is_secret) {
            words.push(HIDDEN.to_owned());
        } else if argument.starts_with("--token=") {
            words.push(format!("--token={HIDDEN}"));
        } else {
            is_secret = argument == "--token";
            words.push(quoted(&shown_text(&argument)));
        }
    }
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%^".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

const HIDDEN: &str = "\"$HF_TOKEN\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_be_pasted_and_tells_no_token() {
        let check = |arguments: &[&str], expected: &str| {
            assert_eq!(typed(arguments.iter().map(OsString::from)), expected);
        };
        check(&["moshi-fetch", "download", "org/name"], "moshi-fetch download org/name");
        check(&["m", "--include", "*.safetensors", ""], "m --include '*.safetensors' ''");
        check(&["m", "it's"], r"m 'it'\''s'");
        check(&["m", "--token", "hf_secret", "a/b"], "m --token \"$HF_TOKEN\" a/b");
        check(&["m", "https://h/x?sig=1"], "m 'https://h/x?…'");
        check(&["m", "--token=hf_secret"], "m --token=\"$HF_TOKEN\"");
    }
}
