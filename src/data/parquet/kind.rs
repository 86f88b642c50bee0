//! What the values of a column mean, and how they read as the text of a CSV cell.
//!
//! in: the column's type in the file -> out: a [`Kind`], or why such columns are not read; a value -> out: its text.
//!
//! ```text
//! truth values   false, true          whole numbers   all digits          real numbers   shortest that reads back
//! decimals       -12.50               dates           2024-01-31          time stamps    2024-01-31 09:30:00.25
//! ```

use std::fmt::Write;

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use ::parquet::schema::types::ColumnDescriptor;

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// false, true
    Truth,
    /// Whole numbers from -2^63 on.
    Whole,
    /// Whole numbers up to 2^64.
    Unsigned,
    /// f32 or f64.
    Real,
    /// UTF-8.
    Text,
    /// Days since 1970.
    Date,
    /// Parts of a second since 1970, so many in a second.
    Moment(i64),
    /// Whole numbers that are to be divided by a power of ten.
    Decimal(u32),
}

/// Digits of the largest decimals, which 128 bits hold.
const DIGITS: i32 = 38;

/// The meaning of a column of single values, or what it holds instead, in words.
pub(super) fn kind(column: &ColumnDescriptor) -> Result<Kind, &'static str> {
    let logical = match column.logical_type_ref() {
        Some(logical) => logical.clone(),
        None => match from_converted(column) {
            Some(logical) => logical,
            None => return plain(column),
        },
    };
    let moment = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => Kind::Moment(1_000),
        TimeUnit::MICROS => Kind::Moment(1_000_000),
        TimeUnit::NANOS => Kind::Moment(1_000_000_000),
    };
    match (&logical, column.physical_type()) {
        (LogicalType::Integer(int), Type::INT32 | Type::INT64) if int.is_signed => Ok(Kind::Whole),
        (LogicalType::Integer(_), Type::INT32 | Type::INT64) => Ok(Kind::Unsigned),
        (LogicalType::String | LogicalType::Enum | LogicalType::Json, Type::BYTE_ARRAY) => {
            Ok(Kind::Text)
        }
        (LogicalType::Date, Type::INT32) => Ok(Kind::Date),
        (LogicalType::Timestamp(stamp), Type::INT64) => Ok(moment(&stamp.unit)),
        (LogicalType::Decimal(decimal), ty) => decimal_kind(decimal.scale, ty, column),
        (LogicalType::Time(_), _) => Err("times of day"),
        (LogicalType::Float16, _) => Err("numbers of 16 bits"),
        (LogicalType::Uuid, _) => Err("UUIDs"),
        (LogicalType::Bson, _) => Err("BSON documents"),
        // a column without a single value has no type
        (LogicalType::Unknown, _) => plain(column),
        _ => Err("values of a type that pmc does not know"),
    }
}

/// Files of older writers have the older names of types only.
fn from_converted(column: &ColumnDescriptor) -> Option<LogicalType> {
    let int = LogicalType::integer;
    Some(match column.converted_type() {
        ConvertedType::UTF8 => LogicalType::String,
        ConvertedType::ENUM => LogicalType::Enum,
        ConvertedType::JSON => LogicalType::Json,
        ConvertedType::BSON => LogicalType::Bson,
        ConvertedType::DATE => LogicalType::Date,
        ConvertedType::DECIMAL => {
            LogicalType::decimal(column.type_scale(), column.type_precision())
        }
        ConvertedType::TIME_MILLIS => LogicalType::time(true, TimeUnit::MILLIS),
        ConvertedType::TIME_MICROS => LogicalType::time(true, TimeUnit::MICROS),
        ConvertedType::TIMESTAMP_MILLIS => LogicalType::timestamp(true, TimeUnit::MILLIS),
        ConvertedType::TIMESTAMP_MICROS => LogicalType::timestamp(true, TimeUnit::MICROS),
        ConvertedType::UINT_8 => int(8, false),
        ConvertedType::UINT_16 => int(16, false),
        ConvertedType::UINT_32 => int(32, false),
        ConvertedType::UINT_64 => int(64, false),
        ConvertedType::INT_8 => int(8, true),
        ConvertedType::INT_16 => int(16, true),
        ConvertedType::INT_32 => int(32, true),
        ConvertedType::INT_64 => int(64, true),
        ConvertedType::NONE
        | ConvertedType::MAP
        | ConvertedType::MAP_KEY_VALUE
        | ConvertedType::LIST
        | ConvertedType::INTERVAL => return None,
    })
}

/// A column that says nothing but how its values are stored.
fn plain(column: &ColumnDescriptor) -> Result<Kind, &'static str> {
    if column.converted_type() == ConvertedType::INTERVAL {
        return Err("lengths of time");
    }
    match column.physical_type() {
        Type::BOOLEAN => Ok(Kind::Truth),
        Type::INT32 | Type::INT64 => Ok(Kind::Whole),
        Type::FLOAT | Type::DOUBLE => Ok(Kind::Real),
        Type::BYTE_ARRAY => Ok(Kind::Text),
        Type::INT96 => Err("time stamps of 96 bits"),
        Type::FIXED_LEN_BYTE_ARRAY => Err("bytes without a meaning"),
    }
}

fn decimal_kind(scale: i32, ty: Type, column: &ColumnDescriptor) -> Result<Kind, &'static str> {
    let wide = column.type_precision() > DIGITS
        || (ty == Type::FIXED_LEN_BYTE_ARRAY && !(1..=16).contains(&column.type_length()));
    match u32::try_from(scale) {
        Ok(scale) if scale <= DIGITS as u32 && !wide => match ty {
            Type::INT32 | Type::INT64 | Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => {
                Ok(Kind::Decimal(scale))
            }
            _ => Err("decimals stored in an unknown way"),
        },
        _ => Err("decimals of more than 38 digits"),
    }
}

/// Days since 1970 of the first and the last day whose year has four digits.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

impl Kind {
    /// True if a whole number of this kind can be written: years have four digits.
    pub(super) fn can_write(self, value: i64) -> bool {
        match self {
            Kind::Date => DAYS.contains(&value),
            Kind::Moment(parts) => DAYS.contains(&value.div_euclid(parts).div_euclid(86_400)),
            _ => true,
        }
    }

    /// Appends the text of a whole number of this kind.
    pub(super) fn write(self, value: i128, to: &mut String) {
        // writing to a text cannot fail
        let _ = match self {
            Kind::Date => write_day(value as i64, to),
            Kind::Moment(parts) => write_moment(value as i64, parts, to),
            Kind::Decimal(scale @ 1..) => {
                let sign = if value < 0 { "-" } else { "" };
                let unit = 10u128.pow(scale);
                let (whole, rest) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
                write!(to, "{sign}{whole}.{rest:0width$}", width = scale as usize)
            }
            _ => write!(to, "{value}"),
        };
    }
}

/// The day of the Gregorian calendar, counted in eras of 400 years that begin on the first of March.
fn write_day(days: i64, to: &mut String) -> std::fmt::Result {
    let day = days + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * era + i64::from(month <= 2);
    write!(to, "{year:04}-{month:02}-{day:02}")
}

fn write_moment(value: i64, parts: i64, to: &mut String) -> std::fmt::Result {
    let seconds = value.div_euclid(parts);
    write_day(seconds.div_euclid(86_400), to)?;
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    write!(to, " {hour:02}:{minute:02}:{second:02}")?;
    let rest = value.rem_euclid(parts);
    if rest > 0 {
        let digits = parts.ilog10() as usize;
        write!(to, ".{rest:0digits$}")?;
        to.truncate(to.trim_end_matches('0').len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Kind, value: i128) -> String {
        let mut text = String::new();
        kind.write(value, &mut text);
        text
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (day, date) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (19_782, "2024-02-29"),
            (11_016, "2000-02-29"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
        ] {
            assert_eq!(text(Kind::Date, day), date);
            assert!(Kind::Date.can_write(day as i64));
        }
        assert!(!Kind::Date.can_write(2_932_897) && !Kind::Date.can_write(-719_163));
    }

    #[test]
    fn moments_and_decimals_have_the_digits_that_they_need() {
        let millis = Kind::Moment(1_000);
        assert_eq!(text(millis, 1_250), "1970-01-01 00:00:01.25");
        assert_eq!(text(millis, -1), "1969-12-31 23:59:59.999");
        assert_eq!(
            text(Kind::Moment(1_000_000), 86_399_000_000),
            "1970-01-01 23:59:59"
        );
        assert_eq!(text(Kind::Decimal(2), -1_250), "-12.50");
        assert_eq!(text(Kind::Decimal(2), -5), "-0.05");
        assert_eq!(text(Kind::Decimal(0), 7), "7");
        assert_eq!(
            text(Kind::Unsigned, u64::MAX.into()),
            "18446744073709551615"
        );
    }
}
