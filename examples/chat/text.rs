//! Text of other people, shown so that it can neither drive the terminal nor name a file elsewhere. And numbers, for people.

use std::fmt::Write as _;

/// The longest name of a received file, in bytes: room for ` (2)` below the 255 of most file systems.
const NAME_BYTES: usize = 200;

/// The text with everything escaped that does not stand for itself: control characters, those that turn the writing direction, invisible ones.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    shown
}

/// A file name that the other side gave, made harmless: its last component without what could do harm on this system or another.
///
/// It has no separator, no control or direction character, no dot or space at its beginning, is no name of a device, and is never empty.
pub(crate) fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| is_plain(*c)).map(|c| if r#"<>:"|?*"#.contains(c) { '_' } else { c }).collect();
    let kept = shorten(kept.trim_start_matches(['.', ' ']), NAME_BYTES);
    let kept = kept.trim_end_matches(['.', ' ']);
    match kept {
        "" => "file".to_owned(),
        name if is_device(name) => format!("_{name}"),
        name => name.to_owned(),
    }
}

/// `name (2).ext` for `name.ext`, where that is taken.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

/// The text, or its beginning and `…`, at most so many characters.
pub(crate) fn brief(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

/// The text with its lines broken between words, so that they are at most so wide. Lines that begin with a space stay as they are.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let mut current = String::new();
        for word in line.split(' ') {
            let fits = current.chars().count().saturating_add(word.chars().count()) < width;
            if current.is_empty() || fits || line.starts_with(' ') {
                current.push_str(if current.is_empty() { "" } else { " " });
                current.push_str(word);
            } else {
                lines.push(std::mem::replace(&mut current, word.to_owned()));
            }
        }
        lines.push(if line.starts_with(' ') { line.to_owned() } else { current });
    }
    lines.join("\n")
}

/// The name as a shell takes it.
pub(crate) fn shell(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || ".:-_@[]".contains(c));
    if plain { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// `2026-01-02 03:04 UTC`, of seconds since 1970.
pub(crate) fn date_time(unix_seconds: u64) -> String {
    let (days, minutes) = (unix_seconds / 86_400, unix_seconds % 86_400 / 60);
    if days > 2_932_896 {
        return "after the year 9999".to_owned();
    }
    // Years that begin in March, in eras of 400 of them: the leap day is the last.
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = day.saturating_sub(day / 1_460).saturating_add(day / 36_524).saturating_sub(day / 146_096) / 365;
    let day = day.saturating_sub(year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100));
    let month = day.saturating_mul(5).saturating_add(2) / 153;
    let day = day.saturating_sub(month.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
    let (month, later) = if month < 10 { (month.saturating_add(3), 0) } else { (month.saturating_sub(9), 1) };
    let year = era.saturating_mul(400).saturating_add(year).saturating_add(later);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// `1,224`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 byte`, `1,224 bytes`.
pub(crate) fn bytes(number: u64) -> String {
    if number == 1 { "1 byte".to_owned() } else { format!("{} bytes", grouped(number)) }
}

/// `0.5 kB`, `13.2 kB`.
pub(crate) fn kilobytes(number: u64) -> String {
    let tenths = number.saturating_add(50) / 100;
    format!("{}.{} kB", grouped(tenths / 10), tenths % 10)
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(shown, "{byte:02x}");
    }
    shown
}

/// The standard library's table of what is printable, which knows controls, formats and unassigned characters. Quotes and backslashes it escapes for
/// another reason, and joiners belong to scripts and emoji.
fn is_plain(c: char) -> bool {
    if c.is_ascii_graphic() || c == ' ' {
        return true;
    }
    // After a letter, where combining marks may stand.
    let mut after_a_letter = String::from("a");
    after_a_letter.push(c);
    matches!(c, '\u{200c}' | '\u{200d}') || after_a_letter.escape_debug().eq(['a', c])
}

/// At most so many bytes, the extension kept where it is short.
fn shorten(name: &str, bytes: usize) -> String {
    if name.len() <= bytes {
        return name.to_owned();
    }
    let extension = name.rfind('.').and_then(|at| name.get(at..)).filter(|extension| extension.len() <= 16).unwrap_or_default();
    let stem = (0..=bytes.saturating_sub(extension.len())).rev().find_map(|end| name.get(..end)).unwrap_or_default();
    format!("{stem}{extension}")
}

/// Names that are devices on Windows, whatever their extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix| stem.strip_prefix(prefix).is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']));
    ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_leaves_its_folder_or_hides_what_it_is() {
        for (given, stored) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\windows\\system.ini", "system.ini"),
            ("/", "file"),
            ("", "file"),
            (".", "file"),
            ("..", "file"),
            ("...", "file"),
            (" . . ", "file"),
            ("a/", "file"),
            (".bashrc", "bashrc"),
            (". .ssh", "ssh"),
            ("C:evil", "C_evil"),
            ("a\0b\nc\x1b[2J", "abc[2J"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("trailing. . .", "trailing"),
            ("nul", "_nul"),
            ("COM1.txt", "_COM1.txt"),
            ("COMPANY.txt", "COMPANY.txt"),
            ("grüße 你好 🎉.txt", "grüße 你好 🎉.txt"),
        ] {
            assert_eq!(file_name(given), stored, "{given:?}");
        }
    }

    #[test]
    fn a_long_file_name_is_cut_in_a_character_or_loses_its_extension() {
        let stored = file_name(&format!("{}.txt", "ü".repeat(300)));
        assert!(stored.len() <= NAME_BYTES && stored.ends_with("ü.txt"), "{stored}");
        let stored = file_name(&format!("a.{}", "b".repeat(300)));
        assert_eq!(stored.len(), NAME_BYTES);
    }

    #[test]
    fn a_taken_name_loses_its_extension() {
        assert_eq!(numbered("a.tar.gz", 2), "a.tar (2).gz");
        assert_eq!(numbered("README", 3), "README (3)");
    }

    #[test]
    fn text_of_the_other_side_drives_the_terminal() {
        assert_eq!(
            harmless("plain \"text\", it's C:\\ 你好 e\u{301} 👩\u{200d}🔬"),
            "plain \"text\", it's C:\\ 你好 e\u{301} 👩\u{200d}🔬"
        );
        assert_eq!(harmless("\x1b]0;title\x07"), "\\u{1b}]0;title\\u{7}");
        assert_eq!(harmless("a\r\nb\u{9b}31m\u{202e}\u{2066}"), "a\\r\\nb\\u{9b}31m\\u{202e}\\u{2066}");
    }

    #[test]
    fn a_line_is_broken_in_a_word_or_stays_too_long() {
        assert_eq!(wrapped("one two three\n    four five six seven", 9), "one two\nthree\n    four five six seven");
        assert_eq!(wrapped("a-word-that-is-too-long\n\nb", 9), "a-word-that-is-too-long\n\nb");
        assert_eq!(wrapped("name   value", 80), "name   value");
    }

    #[test]
    fn a_date_is_another() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_767_312_000, "2026-01-02 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
            (u64::MAX, "after the year 9999"),
        ] {
            assert_eq!(date_time(seconds), shown);
        }
    }

    #[test]
    fn numbers_for_people_are_hard_to_read() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([bytes(1), bytes(2_000)], ["1 byte", "2,000 bytes"]);
        assert_eq!([449, 13_150, 1_000_000].map(kilobytes), ["0.4 kB", "13.2 kB", "1,000.0 kB"]);
    }
}
