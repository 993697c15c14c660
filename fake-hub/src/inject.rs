//! Fault injection: an honest answer with one fault on this side of the wire.
//!
//! Which fault meets which request is decided before; what happens on the wire is the delivery's.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::IntoResponse;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::answer::Answer;
use crate::call::host;
use crate::connection::Connection;
use crate::fault::{BodyFault, Cut, Fault, HeadFault};
use crate::hub::{Host, Hub};
use crate::reply::json as in_json;
use crate::route::Route;
use crate::routes::envelope::Honest;
use crate::rule::book::ArmedRule;
use crate::stats::OpenRecord;
use crate::subject::Subject;

mod body;
mod head;
mod reply;
mod request;

/// A request that has met a rule.
#[derive(Debug)]
pub(crate) struct Injection<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) route: Route,
    pub(crate) subject: Subject,
    pub(crate) rule: &'a Arc<ArmedRule>,
    pub(crate) record: &'a mut OpenRecord,
    pub(crate) connection: &'a Option<Connection>,
}

impl Injection<'_> {
    /// The answer, if possible with the fault.
    pub(crate) async fn run(mut self, mut request: Request, honest: Honest<'_>) -> Answer {
        match self.rule.fault() {
            Fault::Request(fault) => {
                if fault.applies(self.route, &self.subject, &request) && self.fire() {
                    fault.inject(self.hub, &self.subject, &mut request).await;
                }
                honest.answer(request).await.into()
            }
            Fault::Reply(fault) if self.fire() => {
                fault.reply(self.hub, self.route, &request.into()).into_response().into()
            }
            Fault::Body(fault) => self.body(*fault, request, honest).await,
            Fault::Head(fault) => self.head(*fault, request, honest).await,
            Fault::Refuse { lasting } if self.fire() => {
                self.refuse(*lasting, self.hub.host(host(request.headers()))).await
            }
            Fault::Wire(_) | Fault::Reply(_) | Fault::Refuse { .. } => {
                honest.answer(request).await.into()
            }
        }
    }

    async fn body(&mut self, fault: BodyFault, request: Request, honest: Honest<'_>) -> Answer {
        let has_body = request.method() != Method::HEAD;
        let response = honest.answer(request).await;
        if !has_body {
            return response.into();
        }
        if let Some(damage) = fault.damage(self.rule, &response) {
            return damage.inject(response);
        }
        if fault.applies(&response) && self.fire() {
            return fault.inject(response).into();
        }
        response.into()
    }

    async fn head(&mut self, fault: HeadFault, request: Request, honest: Honest<'_>) -> Answer {
        let is_head = request.method() == Method::HEAD;
        let response = honest.answer(request).await;
        if fault.applies(is_head, &response) && self.fire() {
            return fault.inject(response);
        }
        response.into()
    }

    /// Closes the door on everyone and the connection on this one.
    async fn refuse(&self, lasting: Option<Duration>, at: Host) -> Answer {
        self.hub.door(at).shut(lasting);
        if let Some(connection) = self.connection {
            connection.cut(Cut::Reset);
            pending::<()>().await;
        }
        let closed = json!({ "error": "closed" });
        in_json(StatusCode::SERVICE_UNAVAILABLE, &closed).into_response().into()
    }

    fn fire(&mut self) -> bool {
        let may = self.rule.try_fire();
        if may {
            self.record.record.fault = Some(self.rule.kind().to_owned());
        }
        may
    }
}
