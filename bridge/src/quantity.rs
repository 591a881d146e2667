//! Kubernetes quantities (`500m`, `1.5Gi`, `2e3`), compared by what they mean and not by how they are written.

/// An amount, exact to a thousand-millionth; what is finer is rounded up, as Kubernetes does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

/// Thousand-millionths in one.
const NANO: i128 = 1_000_000_000;

/// What each suffix multiplies by, in thousand-millionths.
const SUFFIXES: [(&str, i128); 16] = [
    ("Ki", NANO << 10),
    ("Mi", NANO << 20),
    ("Gi", NANO << 30),
    ("Ti", NANO << 40),
    ("Pi", NANO << 50),
    ("Ei", NANO << 60),
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("k", NANO * 1_000),
    ("M", NANO * 1_000_000),
    ("G", NANO * 1_000_000_000),
    ("T", NANO * 1_000_000_000_000),
    ("P", NANO * 1_000_000_000_000_000),
    ("E", NANO * 1_000_000_000_000_000_000),
    ("", NANO),
];

impl Quantity {
    /// Reads a quantity; `None` if the text is none, is negative, or does not fit.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((number, exponent)) =
            text.split_once(['e', 'E']).filter(|(_, exponent)| !exponent.is_empty())
            && let Ok(exponent) = exponent.parse::<i32>()
        {
            return scaled(number, exponent_factor(exponent)?);
        }
        let (suffix, factor) = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix))?;
        scaled(text.strip_suffix(suffix)?, (*factor, 1))
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
}

/// Ten to the power of `exponent` in thousand-millionths, as a fraction.
fn exponent_factor(exponent: i32) -> Option<(i128, i128)> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    if exponent < 0 { Some((NANO, power)) } else { Some((NANO.checked_mul(power)?, 1)) }
}

fn scaled(number: &str, (times, divided_by): (i128, i128)) -> Option<Quantity> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let divisor = decimals.checked_mul(divided_by)?;
    let product = digits.parse::<i128>().ok()?.checked_mul(times)?;
    Some(Quantity(product / divisor + i128::from(product % divisor != 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_amounts() {
        for (one, other) in [
            ("1", "1000m"),
            ("1Gi", "1024Mi"),
            ("1.5Gi", "1536Mi"),
            ("2e3", "2k"),
            ("2E3", "2000"),
            ("0.5", "500m"),
            ("5e-1", "500m"),
            ("1E", "1e18"),
            ("8", "8.0"),
            ("0.1n", "1n"),
        ] {
            assert!(Quantity::parse(one).is_some(), "{one}");
            assert_eq!(Quantity::parse(one), Quantity::parse(other), "{one} {other}");
        }
        assert!(Quantity::parse("1G") < Quantity::parse("1Gi"));
        assert!(!Quantity::parse("0m").is_some_and(Quantity::is_positive));
    }

    #[test]
    fn no_quantities() {
        for text in
            ["", "m", ".", "-1", "+1", "1 Gi", "1gi", "1GiB", "1K", "one", "1e", "1e99", "1.2.3", "0x10", "٣"]
        {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }
}
