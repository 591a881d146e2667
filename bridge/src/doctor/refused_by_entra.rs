//! Which check knows a refusal of the Entra token: each looks for codes or words of its own.

use trust::token::Claims;

use super::evidence::FirstToken;
use super::hop_failed;
use super::{Chain, Evidence, Sight, Thing};
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
    pub(super) chain: &'a Chain<'a>,
    pub(super) evidence: &'a Evidence,
    pub(super) error: &'a PortError,
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
    CHECKS.iter().find_map(|check| check(case)).unwrap_or_else(|| hop_failed::entra_token(case))
}

impl<'a> Case<'a> {
    /// What the caller logs in with.
    pub(super) fn first_token(&self) -> Option<&'a FirstToken> {
        self.evidence.first_token.as_ref().and_then(Sight::seen)
    }

    /// The claims of what the caller logs in with.
    pub(super) fn claims(&self) -> Option<&'a Claims> {
        self.first_token()?.claims.as_ref()
    }

    /// Where a claim of what the caller logs in with stands.
    pub(super) fn place(&self, claim: &str, otherwise: impl Into<String>) -> String {
        let seen = self.claims().is_some_and(|claims| claims.get(claim).is_some());
        let file = self.evidence.places.find(Thing::FirstToken, &format!("/claims/{claim}"));
        file.filter(|_| seen).unwrap_or_else(|| otherwise.into())
    }

    /// Where Entra's words stand.
    pub(super) fn said(&self) -> String {
        self.evidence.place(Thing::Refusal, "", "Entra's answer")
    }

    /// The application that the token is for, in words.
    pub(super) fn resource(&self) -> String {
        let declared = self.chain.way().map(|way| format!("`{}`", way.bridge.identifier_uri()));
        declared.unwrap_or_else(|| "the application that the token is for".to_owned())
    }

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
        let refused = hop_failed::refused(code, summary, self.error);
        let finding = Finding { cause, ..refused }.confidence(Confidence::Likely);
        match self.evidence.places.find(Thing::Refusal, "") {
            Some(file) => finding.found(&self.error.message, file),
            None => finding,
        }
    }

    /// The words of a mend that only helps where a bridge declares the caller or the application.
    pub(super) fn of_a_bridge(&self, words: &str) -> String {
        if self.chain.way().is_some() {
            words.to_owned()
        } else {
            format!("if a bridge declares it: {words}")
        }
    }

    /// The tenant that the bridge declares.
    pub(super) fn declared_tenant(&self) -> Option<&'a str> {
        Some(self.chain.way()?.bridge.azure.tenant.as_str())
    }

    /// The tenant in words.
    pub(super) fn tenant(&self) -> String {
        self.declared_tenant().map_or_else(|| "this tenant".to_owned(), |tenant| format!("tenant `{tenant}`"))
    }

    /// What Entra says: of a text in which others speak before it, what begins with its code.
    fn words(&self) -> &'a str {
        let text = self.error.message.as_str();
        text.find("AADSTS").and_then(|at| text.get(at..)).unwrap_or(text)
    }

    /// What stands between these words and the end of its quotation.
    pub(super) fn after(&self, words: &str) -> Option<&'a str> {
        let (_, rest) = self.words().split_once(words)?;
        rest.split(['\'', '.']).next().map(str::trim).filter(|value| !value.is_empty())
    }

    /// The first value that Entra's text quotes.
    pub(super) fn quoted(&self) -> Option<&'a str> {
        self.words().split('\'').nth(1).filter(|value| !value.is_empty())
    }

    /// The id that Entra's text names: quoted, or, as in AADSTS7000229, the first GUID. Those of trace and correlation
    /// come later.
    pub(super) fn named(&self) -> Option<&'a str> {
        self.quoted().or_else(|| self.words().split_whitespace().find(|word| crate::name::is_guid(word)))
    }
}
