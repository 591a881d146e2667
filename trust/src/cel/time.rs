//! Points in time and lengths of it: <https://github.com/google/cel-spec/blob/master/doc/langdef.md#abstract-types>.
//! Zones are offsets; their names would need a database, and so a file.

use std::fmt::{self, Write as _};

use jiff::SignedDuration;
use jiff::civil::{Date, date};

use super::problem::Problem;

const DAY: i64 = 86_400;
const NANOS: i64 = 1_000_000_000;

/// A point in time, from year 1 to year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// Since 1970.
    seconds: i64,
    nanos: u32,
}

/// A length of time, either way, up to 292 years: a count of nanoseconds, as in cel-go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Length {
    pub(super) nanos: i64,
}

/// What a date and time is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    FullYear,
    Hours,
    Milliseconds,
    Minutes,
    Month,
    Seconds,
}

impl Part {
    /// The part that a function of this name asks for.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "getDate" => Some(Self::Date),
            "getDayOfMonth" => Some(Self::DayOfMonth),
            "getDayOfWeek" => Some(Self::DayOfWeek),
            "getDayOfYear" => Some(Self::DayOfYear),
            "getFullYear" => Some(Self::FullYear),
            "getHours" => Some(Self::Hours),
            "getMilliseconds" => Some(Self::Milliseconds),
            "getMinutes" => Some(Self::Minutes),
            "getMonth" => Some(Self::Month),
            "getSeconds" => Some(Self::Seconds),
            _ => None,
        }
    }
}

fn range(what: &str) -> Problem {
    Problem::evaluation(format!("the {what} is out of range"))
}

impl Moment {
    /// Seconds since 1970.
    pub(super) fn of_seconds(seconds: i64) -> Result<Self, Problem> {
        Self::of(seconds, 0)
    }

    fn of(seconds: i64, nanos: u32) -> Result<Self, Problem> {
        // 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
        const EARLIEST: i64 = -62_135_596_800;
        const LATEST: i64 = 253_402_300_799;
        if (EARLIEST..=LATEST).contains(&seconds) {
            Ok(Self { seconds, nanos })
        } else {
            Err(range("timestamp"))
        }
    }

    /// RFC 3339, as `2026-01-31T23:59:59.5+01:00`.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let (seconds, nanos) = read_moment(text).ok_or_else(|| {
            Problem::evaluation("the text is no timestamp, expected one as `2026-01-31T23:59:59Z`")
        })?;
        Self::of(seconds, nanos)
    }

    pub(super) fn seconds(self) -> i64 {
        self.seconds
    }

    pub(super) fn plus(self, length: Length) -> Result<Self, Problem> {
        let total = self.total() + i128::from(length.nanos);
        let seconds = i64::try_from(total.div_euclid(i128::from(NANOS))).map_err(|_| range("timestamp"))?;
        let nanos = u32::try_from(total.rem_euclid(i128::from(NANOS))).unwrap_or_default();
        Self::of(seconds, nanos)
    }

    pub(super) fn since(self, other: Self) -> Result<Length, Problem> {
        let nanos = i64::try_from(self.total() - other.total()).map_err(|_| range("duration"))?;
        Ok(Length { nanos })
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanos)
    }

    /// A part of the date and time at `offset` seconds east of Greenwich. Months and most days count from 0.
    pub(super) fn part(self, part: Part, offset: i64) -> Result<i64, Problem> {
        let local = self.seconds + offset;
        let of_day = local.rem_euclid(DAY);
        let day = day(local.div_euclid(DAY)).ok_or_else(|| range("timestamp"))?;
        Ok(match part {
            Part::Date => i64::from(day.day()),
            Part::DayOfMonth => i64::from(day.day()) - 1,
            Part::DayOfWeek => i64::from(day.weekday().to_sunday_zero_offset()),
            Part::DayOfYear => i64::from(day.day_of_year()) - 1,
            Part::FullYear => i64::from(day.year()),
            Part::Month => i64::from(day.month()) - 1,
            Part::Hours => of_day / 3600,
            Part::Minutes => of_day / 60 % 60,
            Part::Seconds => of_day % 60,
            Part::Milliseconds => i64::from(self.nanos / 1_000_000),
        })
    }
}

/// The day that is so many after 1970-01-01.
fn day(days: i64) -> Option<Date> {
    date(1970, 1, 1).checked_add(SignedDuration::from_secs(days.checked_mul(DAY)?)).ok()
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = day(self.seconds.div_euclid(DAY)).unwrap_or_default();
        let of_day = self.seconds.rem_euclid(DAY);
        let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(formatter, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())?;
        write!(formatter, "T{hours:02}:{minutes:02}:{seconds:02}")?;
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(formatter, ".{}", fraction.trim_end_matches('0'))?;
        }
        formatter.write_char('Z')
    }
}

/// Seconds since 1970 and nanoseconds of an RFC 3339 text.
fn read_moment(text: &str) -> Option<(i64, u32)> {
    let bytes = text.as_bytes();
    let shape = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !shape.iter().all(|(place, expected)| bytes.get(*place) == Some(expected)) {
        return None;
    }
    let two = |place: usize| digits(text.get(place..place + 2)?);
    let year = i16::try_from(digits(text.get(..4)?)?).ok()?;
    let (month, day) = (i8::try_from(two(5)?).ok()?, i8::try_from(two(8)?).ok()?);
    let days = Date::new(year, month, day).ok()?.duration_since(date(1970, 1, 1)).as_hours() / 24;
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, zone) = read_fraction(text.get(19..)?)?;
    let offset = if zone == "Z" { 0 } else { read_zone(zone)? };
    Some((days * DAY + hour * 3600 + minute * 60 + second - offset, nanos))
}

/// `.5` as nanoseconds, and what follows.
fn read_fraction(rest: &str) -> Option<(u32, &str)> {
    let Some(after) = rest.strip_prefix('.') else { return Some((0, rest)) };
    let count = after.find(|other: char| !other.is_ascii_digit())?;
    let kept = after.get(..count.min(9)).filter(|digits| !digits.is_empty())?;
    let nanos: u32 = format!("{kept:0<9}").parse().ok()?;
    Some((nanos, after.get(count..)?))
}

/// Seconds of `+HH:MM` or `-HH:MM`.
fn read_zone(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Seconds east of Greenwich of a zone that a function is given: `UTC`, `+02:00`, `02:00`.
pub(super) fn offset(zone: &str) -> Result<i64, Problem> {
    if matches!(zone, "UTC" | "") {
        return Ok(0);
    }
    let signed = if zone.starts_with(['+', '-']) { zone.to_owned() } else { format!("+{zone}") };
    read_zone(&signed)
        .ok_or_else(|| Problem::evaluation(format!("the zone `{zone}` is no offset as `+02:00`")))
}

impl Length {
    /// As Go writes it: `1h30m`, `-1.5s`.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        read_length(text).ok_or_else(|| {
            Problem::evaluation("the text is no duration, expected one as `1h30m` or `3600s`")
        })?
    }

    /// A whole count of it, and of the smaller parts what is left.
    pub(super) fn part(self, part: Part) -> Option<i64> {
        match part {
            Part::Hours => Some(self.nanos / (3600 * NANOS)),
            Part::Minutes => Some(self.nanos / (60 * NANOS)),
            Part::Seconds => Some(self.nanos / NANOS),
            Part::Milliseconds => Some(self.nanos / 1_000_000 % 1000),
            Part::Date
            | Part::DayOfMonth
            | Part::DayOfWeek
            | Part::DayOfYear
            | Part::FullYear
            | Part::Month => None,
        }
    }

    pub(super) fn plus(self, other: Self) -> Result<Self, Problem> {
        self.nanos.checked_add(other.nanos).map(|nanos| Self { nanos }).ok_or_else(|| range("duration"))
    }

    pub(super) fn minus(self, other: Self) -> Result<Self, Problem> {
        self.nanos.checked_sub(other.nanos).map(|nanos| Self { nanos }).ok_or_else(|| range("duration"))
    }

    pub(super) fn negated(self) -> Result<Self, Problem> {
        self.nanos.checked_neg().map(|nanos| Self { nanos }).ok_or_else(|| range("duration"))
    }
}

impl fmt::Display for Length {
    #[expect(clippy::cast_precision_loss, reason = "seconds are written as a double, as cel-go does")]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = (self.nanos / NANOS) as f64;
        let rest = (self.nanos % NANOS) as f64 / 1e9;
        write!(formatter, "{}s", whole + rest)
    }
}

/// Nothing if `text` is none, a problem if it is one out of range.
fn read_length(text: &str) -> Option<Result<Length, Problem>> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(Ok(Length { nanos: 0 }));
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let count = rest.find(|other: char| other != '.' && !other.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(count)?;
        let unit_length =
            after.find(|other: char| other == '.' || other.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(unit_length)?;
        total = total.saturating_add(in_nanos(number, unit)?);
        rest = next;
    }
    Some(i64::try_from(sign * total).map(|nanos| Length { nanos }).map_err(|_| range("duration")))
}

/// `1.5` and `h` in nanoseconds.
fn in_nanos(number: &str, unit: &str) -> Option<i128> {
    let scale: i128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1000,
        "ms" => 1_000_000,
        "s" => i128::from(NANOS),
        "m" => 60 * i128::from(NANOS),
        "h" => 3600 * i128::from(NANOS),
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    // More digits than these are out of range in any unit.
    let whole: i128 = format!("0{}", whole.get(..20).unwrap_or(whole)).parse().ok()?;
    let kept = fraction.get(..fraction.len().min(15)).unwrap_or_default();
    let parts: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let power = 10_i128.checked_pow(u32::try_from(kept.len()).ok()?)?;
    Some(whole * scale + parts * scale / power)
}
