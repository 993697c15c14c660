//! A listing that comes page by page: what has come stays, and only what is missing is asked again.
//!
//! Asks nothing itself.

use std::collections::BTreeSet;

use url::Url;

use super::{Listing, check_paths_info};
use crate::fault::Fault;
use crate::hub::answer::Answer;
use crate::hub::asked::Asked;
use crate::hub::request::Request;

/// Pages of one listing that are asked for.
pub const PAGES_MAX: usize = 10_000;

/// A listing on its way.
#[derive(Clone, Debug)]
pub struct Pages {
    listing: Listing,
    next: Option<Url>,
    asked_for: BTreeSet<Url>,
}

impl Pages {
    /// A listing that begins with this request.
    pub fn new(first: &Request) -> Self {
        let next = Some(first.url.clone());
        Self { listing: Listing::default(), next, asked_for: BTreeSet::new() }
    }

    /// What to ask for next; `None` when all pages are here.
    pub fn request(&self) -> Option<Request> {
        self.next.clone().map(Request::get)
    }

    /// Takes in the answer to that. After a fault the same page can be asked for again.
    ///
    /// The next page is asked for at the endpoint, whatever host is named: mirrors pass on the
    /// hub's own address, and the token goes to the endpoint alone.
    pub fn on_answer(&mut self, asked: &Asked, answer: &Answer) -> Result<(), Fault> {
        let Some(url) = self.next.clone() else { return Ok(()) };
        let page = check_paths_info(asked, answer)?;
        let next = match answer.head.link("next") {
            None => None,
            Some(target) => {
                let astray = || Fault::Malformed("a listing that leads astray".to_owned());
                let target = answer.url.join(target).map_err(|_| astray())?;
                Some(asked.endpoint.rebased(&target).ok_or_else(astray)?)
            }
        };
        self.asked_for.insert(url);
        let is_circle = next.as_ref().is_some_and(|next| self.asked_for.contains(next));
        if is_circle || (next.is_some() && self.asked_for.len() >= PAGES_MAX) {
            return Err(Fault::Malformed("a listing that never ends".to_owned()));
        }
        self.listing.append(page);
        self.next = next;
        Ok(())
    }

    /// Takes out what has come.
    pub fn take(&mut self) -> Listing {
        std::mem::take(&mut self.listing)
    }
}
