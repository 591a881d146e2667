//! Chores of the house, as `cargo xtask VERB`. Depends on next to nothing, so that it builds in a second.

mod build;
mod field_failures;
mod source;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "cargo xtask VERB
  demo [ARGS]   build the scorer (static) and gangplank in release, then run `gangplank demo`
  dist          build both in release and say where they are
  scorer        build the static scorer alone (--image: as tests want it)
  bench plan    print how long planning takes, by number of teams (release)
  bench hostile print how long parsers take at worst for 64 KiB that were written to hurt (release)
  field-failures
                print how often the right cause of what strangers met is named, by cause class
  tidy          check the rules that no compiler checks";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(failure) => {
            complain(&format!("xtask: {failure:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let (verb, rest) = arguments.split_first().map_or(("", arguments), |(verb, rest)| (verb.as_str(), rest));
    match verb {
        "demo" => build::demo(rest),
        "dist" => {
            let built = build::both()?;
            say(&format!("{}\n{}", built.gangplank.display(), built.scorer.display()));
            Ok(ExitCode::SUCCESS)
        }
        "scorer" => {
            let profile = if rest.iter().any(|word| word == "--image") {
                build::Profile::Image
            } else {
                build::Profile::Release
            };
            say(&build::scorer(profile)?.display().to_string());
            Ok(ExitCode::SUCCESS)
        }
        "bench" if rest == ["plan"] => build::bench("bench_plan"),
        "bench" if rest == ["hostile"] => build::bench("bench_hostile"),
        "field-failures" if rest.is_empty() => {
            let (table, code) = field_failures::run()?;
            say(&table);
            Ok(code)
        }
        "tidy" => Ok(report(&tidy::check(&source::root())?)),
        _ => {
            complain(USAGE);
            Ok(ExitCode::from(2))
        }
    }
}

/// Prints every broken rule; succeeds if there is none.
fn report(broken: &[String]) -> ExitCode {
    for rule in broken {
        complain(rule);
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "an edge: what was asked for goes to stdout")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "an edge: talk goes to stderr")]
fn complain(text: &str) {
    eprintln!("{text}");
}
