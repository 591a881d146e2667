//! The client for endpoints that the machine itself offers: no proxy in between, and no long wait for one that is not there.

use std::time::Duration;

use super::SourceError;
use super::login::setup;

/// These endpoints are a hop away at most.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client for those of the machine's own endpoints that speak plain http. A proxy would answer from another machine, with another identity.
pub(super) fn client() -> Result<reqwest::Client, SourceError> {
    crate::http::plain().no_proxy().connect_timeout(CONNECT_TIMEOUT).build().map_err(|error| setup(&error))
}
