//! `gangplank demo`: the whole story on the sandbox, each step checked.
//!
//! 1. both clouds come up;
//! 2. `apply` sets up the trust;
//! 3. version 1 is shipped and scored against scikit-learn's answers;
//! 4. version 2 replaces it under load;
//! 5. the audience is broken, shipping is refused, `doctor` names the link;
//! 6. `apply` mends it;
//! 7. version 1 goes back;
//! 8. `destroy`, and everything is gone.

mod breakage;
mod load;

use std::path::PathBuf;

use ::sandbox::{Options, Sandbox};

use crate::args::{Administrate, Common, Demo, Destroy, Doctor, Format, SetUp, Ship};
use crate::command;
use crate::context::Context;
use crate::output::say;
use crate::report::{Exit, Failure};

const MODEL: &str = "breast-cancer";

/// One run of the story.
struct Story {
    sandbox: Sandbox,
    scorer: Option<PathBuf>,
    common: Common,
}

/// Runs the story; fine only if every step held.
pub(super) async fn run(flags: Demo) -> Result<Exit, Failure> {
    let began = std::time::Instant::now();
    chapter("both clouds come up, on loopback");
    let sandbox = command::sandbox::start(Options::default()).await?;
    let common = Common {
        file: sandbox.folder().join("bridge.yaml"),
        output: Format::Human,
        log_in: None,
        verbose: 0,
    };
    let story = Story { sandbox, scorer: flags.scorer, common };
    let told = tokio::select! {
        told = story.tell() => told,
        () = crate::interrupted() => Err(interrupted()),
    };
    let told = match (told, flags.keep) {
        (Ok(()), true) => story.keep().await,
        (Ok(()), false) => story.tear_down().await,
        (Err(failure), _) => Err(failure),
    };
    story.sandbox.stop().await;
    told?;
    say(&format!("\nevery step held, in {:.1} s", began.elapsed().as_secs_f64()));
    Ok(Exit::Fine)
}

impl Story {
    async fn tell(&self) -> Result<(), Failure> {
        self.set_up().await?;
        self.first_shipment().await?;
        self.rolling_upgrade().await?;
        self.break_and_diagnose().await?;
        self.mend().await
    }

    async fn set_up(&self) -> Result<(), Failure> {
        chapter("an administrator sets up the trust on both sides");
        self.plan(Exit::Drift).await?;
        self.apply().await?;
        self.plan(Exit::Fine).await
    }

    async fn first_shipment(&self) -> Result<(), Failure> {
        chapter("a pipeline, logged in without any key, ships version 1");
        let url = self.ship("1").await?;
        self.check(&url, "1").await
    }

    async fn rolling_upgrade(&self) -> Result<(), Failure> {
        chapter("version 2 replaces it while requests keep coming");
        let url = self.url().await?;
        let load = load::Load::start(&url, command::oracle::sample(MODEL).unwrap_or_default());
        let shipped = self.ship("2").await;
        let counted = load.stop().await;
        shipped?;
        say(&format!(
            "  {} requests answered during the upgrade, {} failed",
            counted.answered,
            counted.failed.len()
        ));
        if let Some(first) = counted.failed.first() {
            return Err(broken(format!("a request failed during the upgrade: {first}")));
        }
        if counted.answered == 0 {
            return Err(broken("no request was answered during the upgrade"));
        }
        self.check(&url, "2").await
    }

    async fn break_and_diagnose(&self) -> Result<(), Failure> {
        chapter("somebody edits the provider's audience by hand");
        breakage::wrong_audience(&self.sandbox).await?;
        shell(&["ship", "breast-cancer:1"]);
        match command::ship::run(&self.context()?, &self.ship_flags("1")).await {
            Err(failure) if failure.exit == Exit::Denied => failure.say(),
            Err(failure) => return Err(failure),
            Ok(_) => return Err(broken("shipping went through a broken trust")),
        }
        shell(&["doctor"]);
        let diagnosis = command::doctor::examine(&self.context()?, &look()).await?;
        crate::output::print(Format::Human, &diagnosis);
        let codes: Vec<&str> = diagnosis.findings.iter().map(|finding| finding.code).collect();
        if codes == ["google/audience-not-admitted"] {
            return Ok(());
        }
        Err(broken(format!("the doctor was to find `google/audience-not-admitted`, and found {codes:?}")))
    }

    async fn mend(&self) -> Result<(), Failure> {
        chapter("the mend: apply what is declared, and ship version 1 again");
        self.plan(Exit::Drift).await?;
        self.apply().await?;
        self.doctor().await?;
        let url = self.ship("1").await?;
        self.check(&url, "1").await
    }

    async fn tear_down(&self) -> Result<(), Failure> {
        chapter("tear down");
        shell(&["destroy", "--yes"]);
        let flags = Destroy { administrate: administrate(), yes: true };
        held("destroy", Exit::Fine, command::destroy::run(&self.context()?, &flags).await?)
    }

    async fn keep(&self) -> Result<(), Failure> {
        let folder = self.sandbox.folder().display().to_string();
        chapter("it stays up");
        say(&format!(
            "in another shell:\n  source '{folder}/env'\n  gangplank plan\n  curl -s {} -d @'{folder}/samples/{MODEL}.json'\nCtrl-C ends it",
            self.url().await?
        ));
        crate::interrupted().await;
        Ok(())
    }

    /// A context as a shell with the sandbox's `env` would give it.
    fn context(&self) -> Result<Context, Failure> {
        command::sandbox::context(&self.sandbox, &self.common)
    }

    /// Ships one version and returns the URL that answers.
    async fn ship(&self, version: &str) -> Result<String, Failure> {
        shell(&["ship", &format!("{MODEL}:{version}")]);
        let shipment = command::ship::ship(&self.context()?, &self.ship_flags(version)).await?;
        crate::output::print(Format::Human, &shipment);
        shipment.urls.first().cloned().ok_or_else(|| broken("the shipment has no URL"))
    }

    /// Scores the sample and compares with scikit-learn's answer.
    async fn check(&self, url: &str, version: &str) -> Result<(), Failure> {
        let _ = self;
        say(&format!("$ curl {url} -d @samples/{MODEL}.json"));
        say(&format!("  {}", command::oracle::check(url, MODEL, version).await?));
        Ok(())
    }

    /// The URL of the service, from its record.
    async fn url(&self) -> Result<String, Failure> {
        command::ship::last(&self.context()?, MODEL)
            .await?
            .and_then(|shipment| shipment.urls.first().cloned())
            .ok_or_else(|| broken("the service has no shipment on record"))
    }

    fn ship_flags(&self, version: &str) -> Ship {
        Ship {
            model: Some(format!("{MODEL}:{version}")),
            from: crate::args::FromDeployment::default(),
            service: None,
            sample: None,
            timeout: std::time::Duration::from_mins(1),
            scorer: self.scorer.clone(),
            transfer: crate::args::Transfer::default(),
            seals: crate::args::Sealed::default(),
        }
    }

    async fn plan(&self, wanted: Exit) -> Result<(), Failure> {
        shell(&["plan"]);
        held("plan", wanted, command::plan::run(&self.context()?, &set_up()).await?)
    }

    async fn apply(&self) -> Result<(), Failure> {
        shell(&["apply"]);
        held("apply", Exit::Fine, command::apply::run(&self.context()?, &set_up()).await?)
    }

    async fn doctor(&self) -> Result<(), Failure> {
        shell(&["doctor"]);
        held("doctor", Exit::Fine, command::doctor::run(&self.context()?, &look()).await?)
    }
}

/// Whether a command ended as the story has it.
fn held(command: &str, wanted: Exit, ended: Exit) -> Result<(), Failure> {
    if ended == wanted {
        return Ok(());
    }
    Err(broken(format!("`gangplank {command}` was to end with {wanted:?} and ended with {ended:?}")))
}

fn set_up() -> SetUp {
    SetUp { administrate: administrate(), adopt: Vec::new() }
}

fn look() -> Doctor {
    Doctor {
        team: None,
        workload: None,
        evidence: Vec::new(),
        wait: 0,
        hop: None,
        watch: false,
        timeout: None,
        administrate: administrate(),
    }
}

fn administrate() -> Administrate {
    Administrate { kubeconfig: None, context: None }
}

fn chapter(title: &str) {
    say(&format!("\n== {title}"));
}

fn shell(words: &[&str]) {
    say(&format!("$ gangplank {}", words.join(" ")));
}

fn interrupted() -> Failure {
    Failure { exit: Exit::Interrupted, ..Failure::failed("interrupted; the sandbox and all in it are gone") }
}

fn broken(what: impl Into<String>) -> Failure {
    Failure::failed(format!("the demo does not hold: {}", what.into()))
}
