//! stub
use super::Request;
use crate::error::Error;
use crate::news::{News, Report};
use tokio::sync::{mpsc, watch};
pub(super) async fn run(
    _: Request,
    _: mpsc::UnboundedSender<News>,
    _: watch::Receiver<bool>,
) -> Result<Report, Error> {
    todo!()
}
