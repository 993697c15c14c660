//! A listing that comes page by page: what has come stays, and only what is missing is asked again.
//!
//! Asks nothing itself, and keeps no page: whoever asks does.

use std::collections::BTreeSet;

use url::Url;

use super::{Listing, Wanted, check_page};
use crate::fault::Fault;
use crate::hub::answer::Answer;
use crate::hub::asked::Asked;
use crate::hub::request::Request;

/// Pages of one listing that are asked for: the hub has a thousand entries on each.
pub const PAGES_MAX: usize = 10_000;

/// Pages in a row that may be without a single entry. The hub sends none.
const EMPTY_MAX: usize = 3;

/// A listing on its way.
#[derive(Clone, Debug)]
pub struct Pages {
    next: Option<Url>,
    /// What the pages that have come were asked for by, hashed: an address may be long.
    asked_for: BTreeSet<[u8; 32]>,
    /// Pages in a row that were without an entry.
    empty: usize,
}

impl Pages {
    /// A listing that begins with this request.
    pub fn new(first: &Request) -> Self {
        Self { next: Some(first.url.clone()), asked_for: BTreeSet::new(), empty: 0 }
    }

    /// What to ask for next; `None` when all pages are here.
    pub fn request(&self) -> Option<Request> {
        self.next.clone().map(Request::get)
    }

    /// All that was missing has come in another way.
    pub fn on_all(&mut self) {
        self.next = None;
    }

    /// Takes in the answer to that, and hands out what is on it of what is wanted. After a fault
    /// the same page can be asked for again.
    ///
    /// The next page is asked for at the endpoint, whatever host is named: mirrors pass on the
    /// hub's own address, and the token goes to the endpoint alone.
    pub fn on_answer(
        &mut self,
        asked: &Asked,
        answer: &Answer,
        wanted: Wanted<'_>,
    ) -> Result<Listing, Fault> {
        let Some(url) = self.next.clone() else { return Ok(Listing::default()) };
        let (page, count) = check_page(asked, answer, wanted)?;
        let next = match answer.head.link("next") {
            None => None,
            Some(target) => {
                let astray = || Fault::Malformed("a listing that leads astray".to_owned());
                let target = answer.url.join(target).map_err(|_| astray())?;
                Some(asked.endpoint.rebased(&target).ok_or_else(astray)?)
            }
        };
        self.asked_for.insert(hash(&url));
        let empty = if count == 0 { self.empty + 1 } else { 0 };
        let is_circle = next.as_ref().is_some_and(|next| self.asked_for.contains(&hash(next)));
        let is_endless = self.asked_for.len() >= PAGES_MAX || empty >= EMPTY_MAX;
        if is_circle || (next.is_some() && is_endless) {
            return Err(Fault::Malformed("a listing that never ends".to_owned()));
        }
        (self.next, self.empty) = (next, empty);
        Ok(page)
    }
}

fn hash(url: &Url) -> [u8; 32] {
    *blake3::hash(url.as_str().as_bytes()).as_bytes()
}
