//! The certificate that the caller signs with is not one of its application's, or its time is over.

use super::refused_by_entra::{CLIENT, Case};
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    refused.code(&["AADSTS700027"])?;
    let expired = refused.error.message.contains("is expired");
    let signature = refused.error.message.contains("invalid signature");
    let (cause, summary) = match (expired, signature) {
        (true, _) => (cause::TOKEN_EXPIRED, "the certificate that the caller logs in with is expired"),
        (_, true) => {
            (cause::CREDENTIAL_SOURCE, "the private key is not that of the certificate it is used with")
        }
        _ => (
            cause::CREDENTIAL_SOURCE,
            "the certificate that the caller logs in with is not its application's",
        ),
    };
    let finding = refused
        .finding("azure/certificate-unknown", cause, summary)
        .expected(
            "a certificate registered on the application, within its time",
            "the application's certificates",
        )
        .look(
            "see which thumbprints are registered",
            format!("az ad app credential list --cert --id {CLIENT}"),
        )
        .look(
            "and which one is used",
            "openssl x509 -noout -fingerprint -sha1 -enddate -in \"$AZURE_CLIENT_CERTIFICATE_PATH\"",
        )
        .advice("register the certificate that is used; its private key stays where it is");
    Some(finding)
}
