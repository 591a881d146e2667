//! Weather: throttling, cut connections, tokens that expire in mid-way. The command holds out or says so.

use sandbox::fault::Armed;
use sandbox::world::Fault;

use crate::harbour::Harbour;

#[test]
fn ship_holds_out_against_throttling_and_cuts() {
    let harbour = Harbour::set_up();
    let faults = &harbour.sandbox.world.faults;
    for service in ["sts", "iam_credentials", "resource_manager", "blob", "registry", "container"] {
        faults.arm(service, Fault::Throttle { retry_after: 1 });
    }
    faults.arm("blob", Fault::Cut { after: 700 });
    faults.arm("registry", Fault::Cut { after: 0 });
    harbour.run(&["ship", "breast-cancer:1"]).expect_code(0);
}

#[test]
fn apply_holds_out_against_throttling() {
    let harbour = Harbour::new();
    for service in
        ["iam", "graph", "resource_manager", "artifact_registry", "cluster", "cloud_resource_manager"]
    {
        harbour.sandbox.world.faults.arm(service, Fault::Throttle { retry_after: 1 });
    }
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
}

#[test]
fn a_token_that_expires_in_mid_way_is_replaced_or_named() {
    let harbour = Harbour::set_up();
    harbour.sandbox.world.faults.arm("registry", Fault::Expired);
    let ended = harbour.run(&["ship", "breast-cancer:1"]);
    assert!(ended.code == 0 || ended.code == 3, "{ended:?}");
    harbour.run(&["ship", "breast-cancer:1"]).expect_code(0);
}

#[test]
fn a_line_that_stands_still_is_cut_and_a_deadline_ends_the_transfer() {
    let harbour = Harbour::set_up();
    let world = &harbour.sandbox.world;
    for version in ["9", "10"] {
        world.azure.add_synthetic_model("breast-cancer", version, "weights.bin", 8 << 20, &world.clock);
    }
    let still = Fault::Stall { after: 100_000, milliseconds: 600_000 };
    world.faults.arm("blob", still.clone());
    harbour.run(&["pack", "breast-cancer:9", "--stall-limit", "2s"]).expect_code(0);
    assert!(world.faults.armed().is_empty(), "nothing stood still");
    world.faults.arm_for("blob", Armed { times: None, ..still.into() }).unwrap();
    let late = harbour.run(&["pack", "breast-cancer:10", "--deadline", "3s"]).expect_code(1);
    late.expect_talk("the transfer was not done in 3s; run again, what was sent is not sent again");
    world.faults.clear(None);
    harbour.run(&["pack", "breast-cancer:10"]).expect_code(0);
}
