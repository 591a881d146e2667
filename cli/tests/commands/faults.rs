//! Weather: throttling, cut connections, tokens that expire in mid-way. The command holds out or says so.

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
