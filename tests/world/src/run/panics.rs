//! Hears every panic, also of tasks: their runtime swallows them, and the run would merely hang.
//!
//! Ends nothing, and leaves to the hook that was there before what it does.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Begins to listen, on all threads.
pub(super) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            HEARD.with_borrow_mut(|heard| heard.push(info.to_string()));
            before(info);
        }));
    });
}

/// What panicked on this thread since the last call.
pub(super) fn take() -> Vec<String> {
    HEARD.take()
}
