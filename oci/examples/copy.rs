//! Copies one image from registry to registry, without a log-in: `copy FROM TO [--window N] [--referrers]`. What
//! `bench/transfer` runs beside other tools.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a program of its own")]

extern crate gangplank_oci as oci;

use std::sync::Arc;

use oci::copy::{self, Destination, Options, Origin};
use oci::progress::Silent;
use oci::{Anonymous, BoxError, Endpoint, Reference, Registry};

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(BoxError::from).and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(line) => {
            println!("{line}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("copy: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because {error}");
                cause = error.source();
            }
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<String, BoxError> {
    let [from, to, rest @ ..] = arguments else {
        return Err("usage: copy FROM TO [--window N] [--referrers]".into());
    };
    let (from, to) = (Reference::parse(from)?, Reference::parse(to)?);
    let mut options =
        Options { referrers: rest.iter().any(|word| word == "--referrers"), ..Options::default() };
    if let Some(at) = rest.iter().position(|word| word == "--window") {
        options.window = rest.get(at + 1).ok_or("--window takes a number")?.parse()?;
    }
    let clients = clients()?;
    let (origin, destination) = (registry(&from, &clients)?, registry(&to, &clients)?);
    let origin = Origin { registry: &origin, repository: &from.repository, version: from.version.as_str() };
    let destination =
        Destination { registry: &destination, repository: &to.repository, tag: to.version.as_str() };
    let copied = copy::image(origin, destination, &options, &Silent).await?;
    Ok(format!(
        "{} sent {} present {} retries {}",
        copied.digest, copied.tally.sent, copied.tally.present, copied.retries
    ))
}

/// A client for small answers and one for blobs. They share the machine's certificates, as those of `gangplank copy` do by
/// `identity::http::Roots`, which this crate may not know.
fn clients() -> Result<(reqwest::Client, reqwest::Client), BoxError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider))?;
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let bulk = reqwest::Client::builder().tls_backend_preconfigured(tls.clone()).http1_only().build()?;
    tls.alpn_protocols.insert(0, b"h2".to_vec());
    Ok((reqwest::Client::builder().tls_backend_preconfigured(tls).build()?, bulk))
}

fn registry(
    reference: &Reference,
    (small, bulk): &(reqwest::Client, reqwest::Client),
) -> Result<Registry, BoxError> {
    let tls = std::env::var_os("PLAINTEXT").is_none();
    let address = format!("{}://{}", if tls { "https" } else { "http" }, reference.host);
    let registry = Registry::new(small.clone(), Endpoint::parse(&address)?, Arc::new(Anonymous));
    Ok(registry.with_bulk(bulk.clone()))
}
