//! A plan made anew, against the one that was shown.

use super::*;

#[test]
fn a_later_plan_may_do_less_and_not_more() {
    let shown = after(|world| {
        world.found.remove(&ResourceKey("google/service-account/gp-cellar".into()));
        if let Resource::Pool(pool) = &mut edit(world, "google/pool/gangplank").resource {
            pool.disabled = true;
        }
    });
    assert_eq!(shown.unshown(&Plan::default()), []);
    assert_eq!(shown.unshown(&shown), []);
    let more = after(|world| {
        if let Resource::Provider(provider) = &mut edit(world, "google/provider/gangplank/entra").resource {
            provider.condition = "true".into();
        }
    });
    assert_eq!(shown.unshown(&more).len(), 1);
    // What this plan was to make is there meanwhile, and differs: whoever made it is not overruled.
    let other_hand = after(|world| {
        if let Resource::ServiceAccount(account) =
            &mut edit(world, "google/service-account/gp-cellar").resource
        {
            account.display_name = "other".into();
        }
    });
    assert_eq!(shown.unshown(&other_hand).len(), 1);
    assert_eq!(other_hand.unshown(&shown).len(), 1);
}
