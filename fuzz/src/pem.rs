//! PEM around bytes, as section 4.3 says, in forms that are read all the same, and in forms that must be refused.

use crate::input::Input;
use pkcs8::der::pem::{LineEnding, encode_string};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It must be read, as these bytes.
    Good,
    /// It must not be read.
    Refused,
    /// Nobody says here: it was changed somewhere.
    Changed,
}

/// The text, and what must become of it.
pub fn text(label: &'static str, bytes: &[u8], input: &mut Input) -> (String, Form) {
    let written = encode_string(label, LineEnding::LF, bytes).expect("a label");
    let empty = bytes.is_empty();
    let (text, form) = match input.byte() % 16 {
        0..=3 => (written, Form::Good),
        4 => (written.replace('\n', "\r\n"), Form::Good),
        5 => (written.trim_end().to_owned(), Form::Good),
        6 => (format!("\n \n{}\t\n", written.replace('\n', " \n")), Form::Good),
        7 => (format!("{written}{written}"), Form::Refused),
        8 => (format!("From: me\n{written}"), Form::Refused),
        9 => (format!("{written}-- \nme\n"), Form::Refused),
        10 => (encode_string("CERTIFICATE", LineEnding::LF, bytes).expect("a label"), Form::Refused),
        11 => (written.replace("-----END", "-----EMD"), Form::Refused),
        12 => (String::from_utf8_lossy(input.rest()).into_owned(), Form::Changed),
        _ => {
            let mut changed = written.clone().into_bytes();
            let end = changed.len();
            input.change(&mut changed, &[0, 11, label.len() + 16, end - label.len() - 16, end]);
            let text = String::from_utf8_lossy(&changed).into_owned();
            let form = if text == written { Form::Good } else { Form::Changed };
            (text, form)
        }
    };
    // What an object of no bytes looks like is of no interest.
    (text, if empty { Form::Changed } else { form })
}

/// Whether the text is the PEM of these bytes, but for white space and the lengths of lines.
pub fn is(text: &str, label: &'static str, bytes: &[u8]) -> bool {
    flat(text) == flat(&encode_string(label, LineEnding::LF, bytes).expect("a label"))
}

fn flat(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
