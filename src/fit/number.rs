//! Numbers as text: five significant digits for people, all of them for tables that programs read.

/// A number with five significant digits, in powers of ten only where it must be.
pub fn digits(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return x.to_string();
    }
    let scientific = format!("{x:.4e}");
    let exponent: i32 = scientific
        .split('e')
        .nth(1)
        .and_then(|e| e.parse().ok())
        .unwrap_or(0);
    if !(-4..7).contains(&exponent) {
        return match scientific.split_once('e') {
            Some((m, e)) => format!("{}e{e}", trimmed(m)),
            None => scientific,
        };
    }
    let places = (4 - exponent).max(0) as usize;
    trimmed(&format!("{x:.places$}")).to_string()
}

/// A number in a table of predictions: the shortest text that reads back the same; below 1e-4, where that would begin with
/// zeros, six significant digits and a power of ten.
pub fn cell(x: f64) -> String {
    if x == 0.0 || !x.is_finite() || (1e-4..1e16).contains(&x.abs()) {
        return x.to_string();
    }
    let text = if x.abs() < 1e-4 {
        format!("{x:.5e}")
    } else {
        format!("{x:e}")
    };
    match text.split_once('e') {
        Some((m, e)) => format!("{}e{e}", trimmed(m)),
        None => text,
    }
}

/// Without the zeros that end a fraction.
fn trimmed(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// A duration in words.
pub fn seconds(s: f64) -> String {
    if s < 1e-3 {
        format!("{:.2} ms", 1e3 * s)
    } else if s < 1.0 {
        format!("{:.0} ms", 1e3 * s)
    } else if s < 120.0 {
        format!("{s:.1} s")
    } else {
        format!("{:.1} min", s / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.644_171_23, "0.64417"),
            (-79.968_115, "-79.968"),
            (99_999.96, "100000"),
            (1_234_567.8, "1234568"),
            (12_345_678.0, "1.2346e7"),
            (0.000_012_345_67, "1.2346e-5"),
            (0.000_123_456, "0.00012346"),
            (1e-300, "1e-300"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(digits(x), text);
        }
    }

    #[test]
    fn cells_of_tables() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (9.999_999_9e-5, "1e-4"),
            (1.234_567_89e-5, "1.23457e-5"),
            (-2.5e-7, "-2.5e-7"),
            (3.1e-290, "3.1e-290"),
            (12_345_678.5, "12345678.5"),
            (1e300, "1e300"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(cell(x), text);
        }
    }
}
