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
    // Both sides share them, as in `gangplank copy`: each reads the machine's certificates.
    let clients = (reqwest::Client::builder().build()?, reqwest::Client::builder().http1_only().build()?);
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

fn registry(
    reference: &Reference,
    (small, bulk): &(reqwest::Client, reqwest::Client),
) -> Result<Registry, BoxError> {
    let tls = std::env::var_os("PLAINTEXT").is_none();
    let address = format!("{}://{}", if tls { "https" } else { "http" }, reference.host);
    let registry = Registry::new(small.clone(), Endpoint::parse(&address)?, Arc::new(Anonymous));
    Ok(registry.with_bulk(bulk.clone()))
}
