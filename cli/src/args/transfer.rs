//! Flags of whatever moves many bytes.

use std::time::Duration;

use clap::Args;
use clouds::Limits;

use super::length;

/// How long the bytes may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Transfer {
    /// When all bytes must be over, counted from the start: `30m`, `6h`, or a number of seconds. What was sent until then is not
    /// sent again by the next run.
    #[arg(long, value_name = "LENGTH", default_value = "24h", value_parser = length)]
    pub deadline: Duration,
    /// How long a line may stand still (less than 64 KiB) before it is cut and the rest asked for again.
    #[arg(long, value_name = "LENGTH", default_value = "60s", value_parser = length)]
    pub stall_limit: Duration,
}

impl Default for Transfer {
    fn default() -> Self {
        Limits::default().into()
    }
}

impl From<Limits> for Transfer {
    fn from(Limits { stall, deadline }: Limits) -> Self {
        Self { deadline, stall_limit: stall }
    }
}

impl From<Transfer> for Limits {
    fn from(Transfer { deadline, stall_limit }: Transfer) -> Self {
        Self { stall: stall_limit, deadline }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        transfer: Transfer,
    }

    #[test]
    fn what_is_not_typed_is_as_without_flags() {
        assert_eq!(Typed::parse_from(["x"]).transfer, Transfer::default());
        let typed = Typed::parse_from(["x", "--deadline", "90m", "--stall-limit", "5"]).transfer;
        assert_eq!((typed.deadline.as_secs(), typed.stall_limit.as_secs()), (5400, 5));
    }
}
