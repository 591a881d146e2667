//! What may be a refusal of something too new.
//!
//! Service accounts and pools are there some time before every part of IAM knows them ("eventually consistent",
//! <https://cloud.google.com/iam/docs/overview#consistency>); until then a policy that names one is refused, and the
//! policy of one cannot be read (<https://github.com/hashicorp/terraform-provider-google/issues/15042>).

use bridge::port::{PortError, Refused};
use bridge::resource::GrantTarget;

/// Whether a refusal to read or write the policy of `target` may mean that a service account or pool is too new.
///
/// IAM says 404 or 403 of an account it does not know, and 400 of a policy that names one.
pub(super) fn may_be_too_new(target: &GrantTarget, refusal: &PortError) -> bool {
    let of_an_account = matches!(target, GrantTarget::ServiceAccount(_));
    match refusal.kind {
        Refused::NotFound | Refused::Denied => of_an_account,
        Refused::Invalid => refusal.message.contains("does not exist"),
        _ => false,
    }
}
