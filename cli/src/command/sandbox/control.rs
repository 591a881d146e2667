//! Talking to a running sandbox: faults and the clock.

use std::fmt::Write as _;

use reqwest::Method;
use sandbox::fault::{Fault, NotArmed};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::Format;
use crate::args::{ArmFault, FaultKind, ListFaults, MoveClock};
use crate::output::{Human, out, print, say};
use crate::report::{Exit, Failure};

/// `sandbox fault`.
pub(super) async fn arm(flags: &ArmFault) -> Result<Exit, Failure> {
    let fault = fault(flags)?;
    let stands = fault.stands();
    let mut body = json!(fault);
    if let Some(body) = body.as_object_mut() {
        let beside = [
            ("times", flags.times.map(Value::from)),
            ("until_cleared", flags.until_cleared.then_some(Value::Bool(true))),
            ("method", flags.method.clone().map(Value::from)),
            ("path", flags.path.clone().map(Value::from)),
        ];
        body.extend(beside.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let path = format!("faults/{}", flags.service);
    ask(&flags.control, Method::POST, &path, Some(&body)).await?;
    say(&match flags.times {
        _ if stands || flags.until_cleared => {
            format!("{} has it until `gangplank sandbox faults --clear`", flags.service)
        }
        Some(times) if times != 1 => format!("the next {times} requests to {} meet it", flags.service),
        _ => format!("the next request to {} meets it", flags.service),
    });
    Ok(Exit::Fine)
}

/// `sandbox faults`.
pub(super) async fn faults(flags: &ListFaults, format: Format) -> Result<Exit, Failure> {
    if flags.clear {
        let path =
            flags.service.as_ref().map_or_else(|| "faults".to_owned(), |service| format!("faults/{service}"));
        ask(&flags.control, Method::DELETE, &path, None).await?;
        say("no fault is armed any more");
        return Ok(Exit::Fine);
    }
    let mut armed = ask(&flags.control, Method::GET, "faults", None).await?;
    if let (Some(armed), Some(service)) = (armed.as_object_mut(), &flags.service) {
        armed.retain(|name, _| name == service);
    }
    print(format, &ArmedFaults(armed));
    Ok(Exit::Fine)
}

/// `sandbox clock`.
pub(super) async fn clock(flags: &MoveClock, format: Format) -> Result<Exit, Failure> {
    let clock = match flags.advance {
        None => ask(&flags.control, Method::GET, "clock", None).await?,
        Some(seconds) => {
            let body = json!({ "advance_seconds": seconds });
            ask(&flags.control, Method::POST, "clock", Some(&body)).await?
        }
    };
    match format {
        Format::Human => out(&format!("{}\n", clock.get("now").and_then(Value::as_str).unwrap_or_default())),
        Format::Json | Format::Yaml => print(format, &Plain(clock)),
    }
    Ok(Exit::Fine)
}

/// The fault that was typed; an amount that it cannot have is a usage error.
fn fault(flags: &ArmFault) -> Result<Fault, Failure> {
    let amount = |default: i64| flags.amount.unwrap_or(default);
    let refused = |error: std::num::TryFromIntError| {
        Failure::usage(format!("`--amount {}` is not possible for this fault", amount(0))).because(&error)
    };
    Ok(match flags.fault {
        FaultKind::Throttle => Fault::Throttle { retry_after: amount(1).try_into().map_err(refused)? },
        FaultKind::Error => {
            let status = amount(503).try_into().map_err(refused)?;
            if !(500..=599).contains(&status) {
                return Err(Failure::usage("the sandbox refused").because(&NotArmed::Status(status)));
            }
            Fault::Error { status }
        }
        FaultKind::Late => Fault::Late { milliseconds: amount(1000).try_into().map_err(refused)? },
        FaultKind::Stall => {
            Fault::Stall { after: flags.after, milliseconds: amount(1000).try_into().map_err(refused)? }
        }
        FaultKind::Cut => Fault::Cut { after: amount(1).try_into().map_err(refused)? },
        FaultKind::Reset => Fault::Reset,
        FaultKind::LostAnswer => Fault::LostAnswer,
        FaultKind::WrongDigest => Fault::WrongDigest,
        FaultKind::Expired => Fault::Expired,
        FaultKind::Skew => Fault::Skew { seconds: amount(60) },
        FaultKind::Propagation => Fault::Propagation { seconds: amount(60).try_into().map_err(refused)? },
        FaultKind::Stale => Fault::Stale { seconds: amount(60).try_into().map_err(refused)? },
    })
}

/// Asks the control door; what it refuses was typed wrongly.
async fn ask(control: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
    let (fine, answer) = send(control, method, path, body.map(Value::to_string)).await?;
    if fine {
        return Ok(answer);
    }
    let why = answer.get("error").and_then(Value::as_str).unwrap_or("it does not know this request");
    Err(Failure::usage(format!("the sandbox refused: {why}")))
}

/// Whether the control door did what was asked, and what it answered.
pub(super) async fn send(
    control: &str,
    method: Method,
    path: &str,
    body: Option<String>,
) -> Result<(bool, Value), Failure> {
    let url = format!("{}/{path}", control.trim_end_matches('/'));
    let unreachable = |error: reqwest::Error| {
        Failure::failed(format!("cannot reach a sandbox at `{control}`"))
            .because(&error)
            .hint("start one with `gangplank sandbox`")
    };
    let client = reqwest::Client::builder().no_proxy().build().map_err(unreachable)?;
    let mut request = client.request(method, url);
    if let Some(body) = body {
        request = request.body(body);
    }
    let reply = request.send().await.map_err(unreachable)?;
    let fine = reply.status().is_success();
    let answer: Value = serde_json::from_str(&reply.text().await.map_err(unreachable)?).unwrap_or_default();
    Ok((fine, answer))
}

#[derive(Serialize)]
#[serde(transparent)]
struct Plain(Value);

impl Human for Plain {
    fn human(&self) -> String {
        format!("{}\n", self.0)
    }
}

/// What is armed, by service.
#[derive(Serialize)]
#[serde(transparent)]
struct ArmedFaults(Value);

impl Human for ArmedFaults {
    fn human(&self) -> String {
        let mut text = String::new();
        for (service, faults) in self.0.as_object().into_iter().flatten() {
            for armed in faults.as_array().into_iter().flatten() {
                let _ = writeln!(text, "{service:<24}{}", in_words(armed));
            }
        }
        if text.is_empty() { "no fault is armed\n".to_owned() } else { text }
    }
}

fn in_words(armed: &Value) -> String {
    let mut words = armed.get("fault").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (name, value) in armed.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = match (name.as_str(), value) {
            ("fault", _) => continue,
            ("times", Value::Null) => write!(words, ", until cleared"),
            ("times", _) => write!(words, ", {text} more"),
            _ => write!(words, ", {} {text}", name.replace('_', " ")),
        };
    }
    words
}
