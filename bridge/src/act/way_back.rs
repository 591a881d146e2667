//! Asks Entra to take a pod's token, again and again while it may only be a matter of time.

use std::future::Future;
use std::time::Duration;

use crate::doctor::way_back::View;
use crate::port::{Event, PortError, Time, Watch};

/// The first pause before asking again; each further one is twice as long,
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Where a pod shows its token.
pub trait Door: Send + Sync {
    /// Shows it once.
    fn knock(&self) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Puts Entra's last answer into the view. Asks only if the token is one that the credential admits, and again only
/// while waiting may help, for at most `patience`.
pub async fn knock(
    view: &mut View<'_>,
    door: &impl Door,
    patience: Duration,
    time: &impl Time,
    watch: &impl Watch,
) {
    if !view.is_worth_asking() {
        return;
    }
    let began = time.now();
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = door.knock().await;
        let waited = Duration::try_from(time.now().duration_since(began)).unwrap_or_default();
        let why = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
        if let Ok(shown) = &mut view.pod {
            (shown.answer, shown.waited) = (Some(answer), waited.as_secs());
        }
        let left = patience.saturating_sub(waited);
        if left.is_zero() || !view.may_come() {
            return;
        }
        watch.event(Event::Retry { what: "the exchange".to_owned(), why });
        time.sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
