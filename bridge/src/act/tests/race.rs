//! Somebody else changes the world meanwhile.

use super::*;

/// Another administrator, who changes the world at a given call.
struct Meddled<F> {
    clouds: Clouds,
    at: usize,
    meddle: Mutex<Option<F>>,
}

impl<F: FnOnce(&Clouds) + Send> SetUp for Meddled<F> {
    looks_by!(clouds);

    async fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> PortResult<()> {
        if *self.clouds.calls.lock().unwrap() == self.at
            && let Some(meddle) = self.meddle.lock().unwrap().take()
        {
            meddle(&self.clouds);
            *self.clouds.calls.lock().unwrap() += 1;
            return Err(refusal(Refused::Conflict, "There were concurrent policy changes."));
        }
        self.clouds.perform(bridge, facts, change, outputs).await
    }
}

fn carried_out(at: usize, meddle: impl FnOnce(&Clouds) + Send) -> (Clouds, Result<Report, ApplyError>) {
    let (bridge, _) = harbour();
    let set_up = Meddled { clouds: Clouds::default(), at, meddle: Mutex::new(Some(meddle)) };
    let purpose = Purpose::Declared { adopt: Vec::new() };
    let (time, told) = (Stopped::default(), Told::default());
    let shown = run(look(&bridge, &purpose, &set_up)).unwrap().unwrap();
    let outcome = run(carry_out(&bridge, &shown, &purpose, &set_up, (&time, &told))).unwrap();
    (set_up.clouds, outcome)
}

#[test]
fn whoever_loses_a_race_plans_again_and_goes_on() {
    let (bridge, _) = harbour();
    let (expected, calls) = undisturbed(&bridge);
    for at in 0..calls {
        // Somebody else made something that this plan makes as well.
        let (clouds, outcome) = carried_out(at, |clouds| {
            let key = ResourceKey("google/pool/gangplank".into());
            let pool = Resource::Pool(crate::resource::Pool { id: "gangplank".into(), disabled: false });
            clouds.live.lock().unwrap().insert(key, pool);
        });
        let report = outcome.unwrap_or_else(|error| panic!("{at}: {error}"));
        assert!(report.left.is_empty() && report.done.len() >= calls - 1, "{at}: {}", report.done.len());
        assert_eq!(clouds.live.into_inner().unwrap(), expected);
    }
}

#[test]
fn more_than_was_shown_is_not_done() {
    let (clouds, outcome) = carried_out(12, |clouds| {
        let stranger = Resource::ServiceAccount(crate::resource::ServiceAccount {
            id: "gp-stranger".into(),
            display_name: "somebody's".into(),
        });
        clouds.live.lock().unwrap().insert(stranger.key(), stranger);
    });
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, ApplyError::Unshown { changes, .. }
        if changes.len() == 1 && changes[0].summary() == "delete google/service-account/gp-stranger"),
        "{error}"
    );
    assert!(!error.is_transient() && error.to_string().ends_with("plan again"));
    let live = clouds.live.into_inner().unwrap();
    assert!(live.contains_key(&ResourceKey("google/service-account/gp-stranger".into())));
}

#[test]
fn a_race_without_end_is_given_up() {
    let (bridge, _) = harbour();
    let clouds = Clouds::failing((0..1000).map(|call| (call, Fault::Before(Refused::Conflict))));
    let purpose = Purpose::Declared { adopt: Vec::new() };
    let (time, told) = (Stopped::default(), Told::default());
    let shown = run(look(&bridge, &purpose, &clouds)).unwrap().unwrap();
    let outcome = run(carry_out(&bridge, &shown, &purpose, &clouds, (&time, &told))).unwrap();
    assert!(matches!(outcome, Err(ApplyError::Outdated { .. })));
    assert_eq!(*clouds.calls.lock().unwrap(), 5);
}
