//! Cut anywhere and run again, it ends where it would have ended.

use proptest::prelude::*;

use super::*;
use crate::plan::destroy_plan;

const EVERY_FAULT: [Fault; 12] = [
    Fault::KilledBefore,
    Fault::KilledAfter,
    Fault::Before(Refused::NotFound),
    Fault::Before(Refused::Denied),
    Fault::Before(Refused::Unauthenticated),
    Fault::Before(Refused::Conflict),
    Fault::Before(Refused::Invalid),
    Fault::Before(Refused::Throttled),
    Fault::Before(Refused::Unavailable),
    Fault::After(Refused::Conflict),
    Fault::After(Refused::Unavailable),
    Fault::After(Refused::Denied),
];

/// Cuts the apply of a bridge at every call by every fault, and runs it again.
fn cut_anywhere(bridge: &Bridge) {
    let (expected, calls) = undisturbed(bridge);
    for call in 0..calls {
        for fault in EVERY_FAULT {
            let clouds = Clouds::failing([(call, fault)]);
            let rounds = apply_until_done(&clouds, bridge);
            assert!(rounds <= 2, "{call} {fault:?}: {rounds}");
            assert_eq!(*clouds.live.lock().unwrap(), expected, "{call} {fault:?}");
        }
    }
}

#[test]
fn cut_anywhere_and_run_again() {
    let (bridge, _) = harbour();
    cut_anywhere(&bridge);
}

#[test]
fn the_way_back_cut_anywhere_and_run_again() {
    cut_anywhere(&both_ways(4));
}

#[test]
fn destroying_cut_anywhere_and_run_again() {
    let (bridge, _) = harbour();
    let (world, _) = undisturbed(&bridge);
    for call in 0..world.len() {
        for fault in EVERY_FAULT {
            let clouds = Clouds::failing([(call, fault)]);
            *clouds.live.lock().unwrap() = world.clone();
            for _ in 0..2 {
                let plan = destroy_plan(&clouds.inventory_now());
                let _ = run(destroy(
                    &bridge,
                    &clouds.facts_now(),
                    &plan,
                    &clouds,
                    &Stopped::default(),
                    &Told::default(),
                ));
            }
            assert!(clouds.live.lock().unwrap().is_empty(), "{call} {fault:?}");
            // What is left of it can be brought back to life.
            apply_until_done(&clouds, &bridge);
            assert_eq!(*clouds.live.lock().unwrap(), world, "{call} {fault:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_number_of_faults(faults in proptest::collection::btree_map(0_usize..120, 0..EVERY_FAULT.len(), 0..20)) {
        let (bridge, _) = harbour();
        let (expected, _) = undisturbed(&bridge);
        let clouds = Clouds::failing(faults.into_iter().map(|(call, fault)| (call, EVERY_FAULT[fault])));
        apply_until_done(&clouds, &bridge);
        prop_assert_eq!(clouds.live.into_inner().unwrap(), expected);
    }
}
