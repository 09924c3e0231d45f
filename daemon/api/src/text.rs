//! How views become text: the trait, tables whose columns grow, durations, dates.
//!
//! Never prints; a text is a `String` that ends with a newline unless it is empty.

/// A value that a person can read.
pub trait Text {
    /// The whole text.
    fn text(&self) -> String;
}

/// To which side a column leans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table whose columns are at least as wide as wished and grow with what is in them,
/// so that a long IPv6 address never runs into its neighbor.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<(Align, usize)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with a header: title, side, least width of each column.
    #[must_use]
    pub fn new(columns: &[(&str, Align, usize)]) -> Self {
        let header = columns.iter().map(|(title, _, _)| (*title).to_owned()).collect();
        Self { columns: columns.iter().map(|(_, align, width)| (*align, *width)).collect(), rows: vec![header] }
    }

    /// Adds a row; missing cells are empty, surplus ones are dropped.
    pub fn row<I: IntoIterator<Item = String>>(&mut self, cells: I) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a row of dashes as wide as each title.
    pub fn rule(&mut self) {
        let dashes = self.rows.first().map(|titles| titles.iter().map(|t| "-".repeat(t.len())).collect());
        self.rows.push(dashes.unwrap_or_default());
    }

    fn width(&self, column: usize, least: usize) -> usize {
        let longest = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        longest.unwrap_or(0).max(least)
    }
}

impl Text for Table {
    fn text(&self) -> String {
        let widths: Vec<(Align, usize)> =
            self.columns.iter().enumerate().map(|(i, (align, least))| (*align, self.width(i, *least))).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((align, width), cell) in widths.iter().zip(row) {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                });
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// `00:56:06` under a day, `1d02h03m` under a week, `03w6d21h` under a year, `01y02w3d` beyond.
#[must_use]
pub fn uptime(seconds: u64) -> String {
    const DAY: u64 = 86_400;
    const WEEK: u64 = 7 * DAY;
    const YEAR: u64 = 365 * DAY;
    let (hours, minutes) = (seconds % DAY / 3600, seconds % 3600 / 60);
    let days = seconds % WEEK / DAY;
    match seconds {
        0..DAY => format!("{hours:02}:{minutes:02}:{:02}", seconds % 60),
        DAY..WEEK => format!("{days}d{hours:02}h{minutes:02}m"),
        WEEK..YEAR => format!("{:02}w{days}d{hours:02}h", seconds / WEEK),
        _ => format!("{:02}y{:02}w{}d", seconds / YEAR, seconds % YEAR / WEEK, seconds % YEAR % WEEK / DAY),
    }
}

/// `never` where there was nothing yet.
#[must_use]
pub fn uptime_or_never(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), uptime)
}

/// `2021-01-06 12:18:53` from seconds since the Unix epoch, shifted by the zone's offset in seconds.
#[must_use]
pub fn date_time(epoch_seconds: u64, utc_offset: i32) -> String {
    let local = i64::try_from(epoch_seconds).unwrap_or(i64::MAX).saturating_add(i64::from(utc_offset)).max(0);
    let (year, month, day) = civil(local / 86_400);
    let rest = local % 86_400;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a day counted from 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// `12:18:53` from seconds since the Unix epoch.
#[must_use]
pub fn clock(epoch_seconds: u64, utc_offset: i32) -> String {
    date_time(epoch_seconds, utc_offset).split_once(' ').map(|(_, time)| time.to_owned()).unwrap_or_default()
}

/// A date and time without its seconds.
#[must_use]
pub fn minute(date_time: &str) -> String {
    date_time.rsplit_once(':').map_or(date_time, |(minute, _)| minute).to_owned()
}

/// `Wed Jan  6 13:18:53 CET 2021`, as `date` writes it.
#[must_use]
pub fn date_line(epoch_seconds: u64, utc_offset: i32, zone: &str) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let local = i64::try_from(epoch_seconds).unwrap_or(i64::MAX).saturating_add(i64::from(utc_offset)).max(0);
    let days = local / 86_400;
    let (year, month, day) = civil(days);
    let pick = |names: &[&'static str], index: i64| {
        usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or_default()
    };
    let (weekday, month) = (pick(&DAYS, days % 7), pick(&MONTHS, month - 1));
    format!("{weekday} {month} {day:>2} {} {zone} {year}", clock(epoch_seconds, utc_offset))
}

/// `1.5G`: octets as `df -h` writes them, rounded up.
#[must_use]
pub fn size(octets: u64) -> String {
    let mut unit = 1_u128;
    let octets = u128::from(octets);
    for letter in ["", "K", "M", "G", "T", "P"] {
        let tenths = (octets * 10).div_ceil(unit);
        if letter.is_empty() && octets < 1024 {
            return octets.to_string();
        }
        if !letter.is_empty() && tenths < 100 {
            return format!("{}.{}{letter}", tenths / 10, tenths % 10);
        }
        if !letter.is_empty() && octets.div_ceil(unit) < 1024 {
            return format!("{}{letter}", octets.div_ceil(unit));
        }
        unit *= 1024;
    }
    format!("{}E", octets.div_ceil(unit))
}

/// A sentence on lines of at most 78 columns, each behind an indent and with a newline; a longer word stands alone.
#[must_use]
pub fn wrapped(sentence: &str, indent: &str) -> String {
    const COLUMNS: usize = 78;
    let mut text = String::new();
    let mut line = String::new();
    for word in sentence.split_whitespace() {
        let columns = [indent, &line, word].iter().map(|part| part.chars().count()).sum::<usize>() + 1;
        if !line.is_empty() && columns > COLUMNS {
            text.push_str(&format!("{indent}{line}\n"));
            line.clear();
        }
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    if !line.is_empty() {
        text.push_str(&format!("{indent}{line}\n"));
    }
    text
}

/// `1 route`, `2 routes`.
#[must_use]
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_routers_write_them() {
        for (seconds, expect) in [
            (0, "00:00:00"),
            (3366, "00:56:06"),
            (86_399, "23:59:59"),
            (93_780, "1d02h03m"),
            (604_799, "6d23h59m"),
            (2_408_400, "03w6d21h"),
            (33_004_800, "01y02w3d"),
        ] {
            assert_eq!(uptime(seconds), expect);
        }
    }

    #[test]
    fn dates_know_leap_years_and_zones() {
        for (seconds, offset, expect) in [
            (0, 0, "1970-01-01 00:00:00"),
            (951_782_400, 0, "2000-02-29 00:00:00"),
            (1_609_935_533, 0, "2021-01-06 12:18:53"),
            (1_609_935_533, 3600, "2021-01-06 13:18:53"),
            (1_735_689_599, 0, "2024-12-31 23:59:59"),
        ] {
            assert_eq!(date_time(seconds, offset), expect);
        }
    }

    #[test]
    fn dates_and_sizes_read_as_the_programs_write_them() {
        assert_eq!(date_line(1_609_935_533, 3600, "CET"), "Wed Jan  6 13:18:53 CET 2021");
        assert_eq!(date_line(0, 0, "UTC"), "Thu Jan  1 00:00:00 UTC 1970");
        assert_eq!((clock(0, 60), minute("2021-01-06 12:18:53")), ("00:01:00".into(), "2021-01-06 12:18".into()));
        for (octets, expect) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10 * 1024, "10K"),
            (1 << 20, "1.0M"),
            (5_368_709_120, "5.0G"),
            (21_474_836_481, "21G"),
            (u64::MAX, "16E"),
        ] {
            assert_eq!(size(octets), expect, "{octets}");
        }
    }

    #[test]
    fn a_long_sentence_is_wrapped_at_its_blanks() {
        let sentence = "one two ".repeat(20);
        let text = wrapped(&sentence, "  ");
        assert!(text.lines().all(|line| line.len() <= 78 && line.starts_with("  o") || line.starts_with("  t")));
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), sentence.split_whitespace().collect::<Vec<_>>());
        assert_eq!(text.lines().map(str::len).max(), Some(77));
        assert_eq!((wrapped("", "  "), wrapped(&"x".repeat(90), "")), (String::new(), format!("{}\n", "x".repeat(90))));
    }

    #[test]
    fn a_wide_cell_pushes_the_column_instead_of_touching_the_next() {
        let mut table = Table::new(&[("Name", Align::Left, 6), ("N", Align::Right, 3)]);
        table.row(["a".to_owned(), "1".to_owned()]);
        table.row(["abcdefghij".to_owned(), "22".to_owned()]);
        assert_eq!(table.text(), "Name         N\na            1\nabcdefghij  22\n");
    }
}
