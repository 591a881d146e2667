//! Kubernetes quantities: `500m`, `1.5Gi`, `2e3`, compared in thousandths.

/// Suffixes and what they multiply by, in thousandths of the unit.
const SUFFIXES: &[(&str, i128)] = &[
    ("Ki", 1024 * 1000),
    ("Mi", 1024 * 1024 * 1000),
    ("Gi", 1024 * 1024 * 1024 * 1000),
    ("Ti", 1024_i128.pow(4) * 1000),
    ("Pi", 1024_i128.pow(5) * 1000),
    ("Ei", 1024_i128.pow(6) * 1000),
    ("m", 1),
    ("k", 1000 * 1000),
    ("M", 1000_i128.pow(2) * 1000),
    ("G", 1000_i128.pow(3) * 1000),
    ("T", 1000_i128.pow(4) * 1000),
    ("P", 1000_i128.pow(5) * 1000),
    ("E", 1000_i128.pow(6) * 1000),
    ("", 1000),
];

/// What Kubernetes says of a text that is no quantity.
pub(crate) const MALFORMED: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// The quantity in thousandths, rounded up.
pub(crate) fn thousandths(text: &str) -> Option<i128> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, digits)) if !digits.is_empty() && digits != "i" => {
            (number, digits.parse::<u32>().ok()?)
        }
        _ => (text, 0),
    };
    let (digits, unit) =
        SUFFIXES.iter().find_map(|(suffix, unit)| Some((number.strip_suffix(suffix)?, *unit)))?;
    let power = 10_i128.checked_pow(exponent)?;
    decimal(digits, unit.checked_mul(power)?)
}

fn decimal(digits: &str, unit: i128) -> Option<i128> {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) || fraction.len() > 18
    {
        return None;
    }
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let product = number.checked_mul(unit)?;
    Some(sign * (product / scale + i128::from(product % scale != 0)))
}

/// The one form in which Kubernetes stores a quantity: no fraction, the largest suffix that divides. Texts that are no
/// quantity, and ones with an exponent, stay.
pub(crate) fn canonical(text: &str) -> String {
    let Some(amount) = thousandths(text) else { return text.to_owned() };
    if amount == 0 {
        return "0".to_owned();
    }
    let exponent = text.trim_end_matches('E').contains(['e', 'E']) && !text.ends_with("Ei");
    if exponent {
        return text.to_owned();
    }
    if text.ends_with('i') && amount % 1000 == 0 {
        return display(amount, true);
    }
    let steps = ["m", "", "k", "M", "G", "T", "P", "E"];
    let (mut left, mut step) = (amount, 0);
    while left % 1000 == 0 && step + 1 < steps.len() {
        left /= 1000;
        step += 1;
    }
    format!("{left}{}", steps.get(step).copied().unwrap_or_default())
}

/// A sum in thousandths as a quantity: plain, in thousandths where it must be, binary where it divides.
pub(crate) fn display(thousandths: i128, binary: bool) -> String {
    if thousandths % 1000 != 0 {
        return format!("{thousandths}m");
    }
    let whole = thousandths / 1000;
    let suffix = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"].into_iter().zip([6_u32, 5, 4, 3, 2, 1]);
    let fits = |(name, power): (&'static str, u32)| {
        let unit = 1024_i128.pow(power);
        (whole != 0 && whole % unit == 0).then(|| format!("{}{name}", whole / unit))
    };
    suffix.into_iter().find_map(fits).filter(|_| binary).unwrap_or_else(|| whole.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        let cases = [
            ("1", Some(1000)),
            ("500m", Some(500)),
            ("0.5", Some(500)),
            ("1Gi", Some(1024 * 1024 * 1024 * 1000)),
            ("1.5k", Some(1_500_000)),
            ("2e3", Some(2_000_000)),
            ("1E", Some(1_000_000_000_000_000_000_000)),
            ("-1", Some(-1000)),
            ("0.0001", Some(1)),
            ("", None),
            (".", None),
            ("1 Gi", None),
            ("Gi", None),
            ("1GB", None),
            ("99999999999999999999999999999999999999Gi", None),
        ];
        for (text, expected) in cases {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }

    #[test]
    fn quantities_have_one_form() {
        let cases = [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("2000", "2k"),
            ("2", "2"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("512Mi", "512Mi"),
            ("1E", "1E"),
            ("1e3", "1e3"),
            ("0Mi", "0"),
            ("two", "two"),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn sums_are_written_shortly() {
        let cases =
            [(500, false, "500m"), (2000, false, "2"), (2 * 1024 * 1024 * 1000, true, "2Mi"), (0, true, "0")];
        for (sum, binary, expected) in cases {
            assert_eq!(display(sum, binary), expected);
        }
    }
}
