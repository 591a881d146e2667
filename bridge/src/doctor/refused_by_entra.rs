//! Which check knows a refusal of the Entra token: each looks for codes or words of its own.

use super::Way;
use super::evidence::FirstToken;
use super::hop_failed;
use super::{
    application_not_in_tenant, assertion_out_of_time, assignment_required, caller_disabled,
    certificate_unknown, cli_not_admitted, conditional_access, credential_refused, issuer_keys,
    managed_identity_not_found, no_federated_credential, tenant_not_found, wrong_proof,
};
use crate::finding::{Confidence, Finding};
use crate::port::PortError;

/// How command lines name the client that logged in.
pub(super) const CLIENT: &str = "\"$AZURE_CLIENT_ID\"";

/// A refused Entra token with what was seen of the log-in.
pub(super) struct Case<'a> {
    pub(super) way: &'a Way<'a>,
    pub(super) error: &'a PortError,
    pub(super) first_token: Option<&'a FirstToken>,
}

/// The finding about a refusal.
pub(super) fn name(case: &Case<'_>) -> Finding {
    const CHECKS: [fn(&Case<'_>) -> Option<Finding>; 13] = [
        managed_identity_not_found::check,
        no_federated_credential::check,
        credential_refused::check,
        certificate_unknown::check,
        application_not_in_tenant::check,
        assignment_required::check,
        cli_not_admitted::check,
        conditional_access::check,
        tenant_not_found::check,
        assertion_out_of_time::check,
        wrong_proof::check,
        caller_disabled::check,
        issuer_keys::check,
    ];
    CHECKS
        .iter()
        .find_map(|check| check(case))
        .unwrap_or_else(|| hop_failed::entra_token(case.way, case.error))
}

impl Case<'_> {
    /// The first of these codes that Entra gave.
    pub(super) fn code(&self, codes: &[&'static str]) -> Option<&'static str> {
        codes.iter().copied().find(|code| hop_failed::says(self.error, code))
    }

    /// A finding in Entra's own words, as sure as those are.
    pub(super) fn finding(
        &self,
        code: &'static str,
        cause: &'static str,
        summary: impl Into<String>,
    ) -> Finding {
        Finding { cause, ..hop_failed::refused(code, summary, self.error) }.confidence(Confidence::Likely)
    }

    /// The first value that Entra's text quotes.
    pub(super) fn quoted(&self) -> Option<&str> {
        self.error.message.split('\'').nth(1).filter(|value| !value.is_empty())
    }

    /// The id that Entra's text names: quoted, or, as in AADSTS7000229, the first GUID. Those of trace and correlation
    /// come later.
    pub(super) fn named(&self) -> Option<&str> {
        self.quoted()
            .or_else(|| self.error.message.split_whitespace().find(|word| crate::name::is_guid(word)))
    }
}
