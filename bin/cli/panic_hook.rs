//! A mistake of our own: no panic message ever reaches the person, only that it happened.
//!
//! Repairs nothing. What was recorded on the disk proves itself, whatever happened here.

use std::panic::PanicHookInfo;
use std::sync::OnceLock;

/// Where the first panic was.
static PLACE: OnceLock<String> = OnceLock::new();

/// From now on panics are noted instead of printed.
pub(crate) fn watch() {
    std::panic::set_hook(Box::new(note));
}

/// Where a panic was, if there was one.
pub(crate) fn place() -> Option<&'static str> {
    PLACE.get().map(String::as_str)
}

/// What to tell the person about it.
pub(crate) fn render(place: &str, command: &str) -> String {
    format!(
        "error: moshi-fetch made a mistake of its own and had to stop ({place})\n  safe: what was \
         recorded stays on the disk\n\nhint: please report it, with what this prints; running it \
         again continues\n  MOSHI_LOG=debug {command}\n"
    )
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(
        || "at an unknown place".to_owned(),
        |location| format!("{}:{}", location.file(), location.line()),
    );
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    tracing::error!(%place, message, "panic");
    // Only the first one is the cause.
    let _ = PLACE.set(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_noted_and_not_shown() {
        let before = std::panic::take_hook();
        watch();
        let joined = std::thread::spawn(|| panic!("words for nobody")).join();
        std::panic::set_hook(before);
        assert!(joined.is_err());
        let place = place().unwrap();
        assert!(place.contains("panic_hook.rs:"), "{place}");
        let shown = render(place, "moshi-fetch download org/name");
        assert!(shown.ends_with("MOSHI_LOG=debug moshi-fetch download org/name\n"), "{shown}");
        assert!(!shown.contains("nobody"));
    }
}
