//! What is tried again, for how long, and what is said in the end.

use super::*;

/// Applies with the same fault at every call from `from` on; gives the error and how long it took.
fn stubborn(from: usize, refusal_kind: Refused) -> (ApplyError, Duration) {
    let (bridge, _) = harbour();
    let clouds = Clouds::failing((from..1000).map(|call| (call, Fault::Before(refusal_kind))));
    let (facts, plan, time) = (clouds.facts_now(), clouds.plan_now(&bridge), Stopped::default());
    let error = run(apply(&bridge, &facts, &plan, &clouds, &time, &Told::default())).unwrap().unwrap_err();
    let report = error.report().unwrap();
    // What was under way when it failed is let finish.
    assert!(report.done.len() <= from, "{from}: {}", report.done.len());
    assert_eq!(report.done.len() + report.left.len(), plan.changes.len());
    let waited = *time.0.lock().unwrap();
    (error, waited)
}

#[test]
fn patience_has_an_end() {
    let seconds = Duration::from_secs;
    // Calls: 0 application, 1 its service principal, 3 the first Azure role, 9 a Google service account.
    for (from, kind, least, most) in [
        (0, Refused::Unavailable, seconds(10), seconds(60)),
        (5, Refused::Throttled, seconds(10), seconds(60)),
        (0, Refused::Denied, seconds(0), seconds(0)),
        (3, Refused::Denied, seconds(0), seconds(0)),
        (1, Refused::NotFound, seconds(420), seconds(450)),
        (1, Refused::Denied, seconds(420), seconds(450)),
        (3, Refused::NotFound, seconds(60), seconds(210)),
        (1, Refused::Invalid, seconds(0), seconds(0)),
        (5, Refused::Unauthenticated, seconds(0), seconds(0)),
        (5, Refused::Conflict, seconds(0), seconds(0)),
    ] {
        let (error, waited) = stubborn(from, kind);
        assert!(least <= waited && waited <= most, "{from} {kind:?}: {waited:?}");
        match kind {
            Refused::Conflict => assert!(matches!(error, ApplyError::Outdated { .. }), "{error}"),
            _ => assert!(matches!(error, ApplyError::Failed { .. }), "{error}"),
        }
        assert_eq!(
            error.is_transient(),
            matches!(kind, Refused::Unavailable | Refused::Throttled | Refused::Conflict)
        );
    }
}

#[test]
fn messages_say_what_failed_and_what_to_do() {
    let (error, _) = stubborn(0, Refused::Denied);
    assert_eq!(
        error.to_string(),
        "`create entra/application/gangplank-harbour` failed; run again to continue from here"
    );
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "Cloud: not now");
    let (error, _) = stubborn(0, Refused::Conflict);
    assert_eq!(
        error.to_string(),
        "`create entra/application/gangplank-harbour` failed because something changed since the plan was made; plan again"
    );
}

#[test]
fn services_that_ask_for_a_pause_get_it() {
    struct Throttling(Clouds, Mutex<Option<Duration>>);
    impl SetUp for Throttling {
        looks_by!(0);

        async fn perform(
            &self,
            bridge: &Bridge,
            facts: &Facts,
            change: &Change,
            outputs: &mut Outputs,
        ) -> PortResult<()> {
            let asked = self.1.lock().unwrap().take();
            match asked {
                Some(asked) => {
                    Err(PortError { retry_after: Some(asked), ..refusal(Refused::Throttled, "slow down") })
                }
                None => self.0.perform(bridge, facts, change, outputs).await,
            }
        }
    }
    let (bridge, _) = harbour();
    for (asked, slept) in [(0, 500), (30_000, 30_000), (3_600_000, 120_000)] {
        let clouds = Throttling(Clouds::default(), Mutex::new(Some(Duration::from_millis(asked))));
        let (facts, plan, time, told) =
            (clouds.0.facts_now(), clouds.0.plan_now(&bridge), Stopped::default(), Told::default());
        run(apply(&bridge, &facts, &plan, &clouds, &time, &told)).unwrap().unwrap();
        assert_eq!(*time.0.lock().unwrap(), Duration::from_millis(slept));
        let retries =
            told.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Retry { .. })).count();
        assert_eq!(retries, 1);
    }
}
