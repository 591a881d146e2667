//! Between the store and the chain: a kept token if there is a fresh one, else one fetched by one process for all.

use bridge::port::Time as _;
use identity::store::{Found, Store, StoreKey};
use identity::{AccessToken, Environment, Form, Handover};

use super::refuse_terminal;
use super::wanted::Wanted;
use crate::args::Common;
use crate::command::connect;
use crate::context::{Context, unreadable};
use crate::edge::{self, SystemTime};
use crate::output::say;
use crate::report::{Exit, Failure};

/// Gets tokens for tools.
pub(super) struct Broker {
    common: Common,
    /// The bridge file's content.
    file: Vec<u8>,
    environment: Environment,
    /// Whether a token may be shown on a terminal.
    show: bool,
    /// Whether nothing may be said on stderr.
    silent: bool,
}

impl Broker {
    /// A broker for the bridge file in `common`, which is read but not parsed.
    pub(super) fn new(common: Common, show: bool) -> Result<Self, Failure> {
        let file = edge::read(&common.file).map_err(|error| {
            unreadable(&error).hint("name the bridge file with -f FILE or GANGPLANK_FILE")
        })?;
        Ok(Self {
            common,
            file,
            environment: Environment::from_pairs(edge::environment()),
            show,
            silent: false,
        })
    }

    /// The same, for a reader that takes stderr for part of the answer.
    pub(super) fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// A variable of the environment.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    /// Whether a token may be shown on a terminal.
    pub(super) fn shows(&self) -> bool {
        self.show
    }

    /// The parsed bridge file.
    pub(super) fn context(&self) -> Result<Context, Failure> {
        Context::load(&self.common)
    }

    /// Writes what is wanted to stdout, in `form`.
    pub(super) fn hand_over(&self, wanted: &Wanted, form: Form) -> Result<Exit, Failure> {
        refuse_terminal(self.show)?;
        let handover = Handover::new(self.token(wanted)?, form);
        // A reader that went away is no failure of ours.
        let _ = handover.write(&mut std::io::stdout().lock());
        Ok(Exit::Fine)
    }

    /// Forgets what is kept for a wish.
    pub(super) fn forget(&self, wanted: &Wanted) -> Result<(), Failure> {
        let Some(store) = self.store() else { return Ok(()) };
        store
            .remove(&self.key(wanted))
            .map(|_| ())
            .map_err(|error| Failure::failed("could not forget").because(&error))
    }

    /// The token wanted: kept, or fetched and kept.
    pub(super) fn token(&self, wanted: &Wanted) -> Result<AccessToken, Failure> {
        let Some(store) = self.store() else { return self.fetch(wanted) };
        let key = self.key(wanted);
        if let Found::Fresh(token) = store.find(&key, SystemTime.now()) {
            return Ok(token);
        }
        let lock = store.lock(&key);
        if let Err(error) = &lock {
            self.warn("others may fetch the same token at the same time", error);
        }
        // Whoever held the lock has fetched it meanwhile.
        let aging = match store.find(&key, SystemTime.now()) {
            Found::Fresh(token) => return Ok(token),
            Found::Aging(token) => Some(token),
            Found::Nothing => None,
            Found::Unfit(error) => {
                self.warn("a kept token is fetched anew", &error);
                None
            }
        };
        let token = match (self.fetch(wanted), aging) {
            (Ok(token), _) => token,
            // Bad weather is bridged; a "no" is not.
            (Err(failure), Some(token)) if failure.exit == Exit::Failed => {
                self.say(&format!(
                    "warning: the token could not be renewed and goes on being used\n{}",
                    failure.text()
                ));
                return Ok(token);
            }
            (Err(failure), _) => return Err(failure),
        };
        if let Err(error) = store.keep(&key, &token, SystemTime.now()) {
            self.warn("the token is not kept", &error);
        }
        drop(lock);
        Ok(token)
    }

    fn key(&self, wanted: &Wanted) -> StoreKey {
        let mut parts = wanted.parts();
        // A log-in forced by `--as` is another identity than the first that is found.
        parts.push(format!("{:?}", self.common.log_in));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        StoreKey::of(&self.file, &self.environment, &parts)
    }

    /// The folder of kept tokens; `None`, with a word, where there can be none.
    fn store(&self) -> Option<Store> {
        let Some(folder) = edge::caches(&self.environment) else {
            self.say("warning: tokens are not kept: neither HOME nor XDG_CACHE_HOME is set");
            return None;
        };
        Store::open(&folder).inspect_err(|error| self.warn("tokens are not kept", error)).ok()
    }

    fn warn(&self, what: &str, error: &dyn std::error::Error) {
        self.say(&Failure::failed(what).because(error).text().replacen("error: ", "warning: ", 1));
    }

    fn say(&self, text: &str) {
        if !self.silent {
            say(text);
        }
    }

    fn fetch(&self, wanted: &Wanted) -> Result<AccessToken, Failure> {
        let context = self.context()?;
        wanted.check(&context.bridge)?;
        crate::choose_crypto();
        let runtime = crate::runtime()?;
        let fetched = runtime.block_on(async {
            let caller = connect::caller(&context, None, None)?;
            tokio::select! {
                token = wanted.fetch(&context.bridge, &caller) => token,
                () = crate::interrupted() => Err(Failure { exit: Exit::Interrupted, ..Failure::failed("interrupted") }),
            }
        });
        runtime.shutdown_background();
        fetched
    }
}

/// Forgets every kept token.
pub(super) fn forget() -> Result<Exit, Failure> {
    let environment = Environment::from_pairs(edge::environment());
    let Some(folder) = edge::caches(&environment) else {
        return Err(Failure::failed("there is no folder of kept tokens").hint("set HOME or XDG_CACHE_HOME"));
    };
    let forgotten = Store::open(&folder).and_then(|store| store.forget());
    let count = forgotten.map_err(|error| Failure::failed("could not forget the tokens").because(&error))?;
    say(&match count {
        0 => "no token was kept".to_owned(),
        1 => "forgot one token".to_owned(),
        several => format!("forgot {several} tokens"),
    });
    Ok(Exit::Fine)
}
