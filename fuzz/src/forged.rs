//! Records that a peer with the keys can send, kept to the rules or not, chosen by the input.

use crate::forge::plaintext;
use crate::input::Input;
use crate::kems::known;
use twinlock::Suite;

/// Bytes of content at most.
const CONTENT: usize = 16_384;

/// The plaintext of a record.
pub fn record(suite: Suite, input: &mut Input) -> Vec<u8> {
    let kinds = [1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 9, 9, 10, 10, 5, 5, 3, 6];
    let kind = match input.byte() {
        choice @ 0..=239 => kinds[usize::from(choice) % kinds.len()],
        _ => input.byte(),
    };
    let content = content(suite, kind, input);
    let padding = match input.byte() {
        few @ 0..=250 => usize::from(few % 8),
        _ => usize::from(input.word() % 17_000),
    };
    let mut text = plaintext(kind, &content, padding);
    if input.byte() % 8 == 1 {
        input.change(&mut text, &[0, 1, 3, 3 + content.len(), 3 + content.len() + padding]);
    }
    text
}

fn content(suite: Suite, kind: u8, input: &mut Input) -> Vec<u8> {
    let known = input.pick(known(suite));
    let mut content = match kind {
        1 | 2 => input.filled(CONTENT),
        3 => {
            let code = *input.pick(&[0u16, 1, 2, 3, 255, 256, 65_535]);
            [code.to_be_bytes().as_slice(), &input.filled(256)].concat()
        }
        5 => known.ek.clone(),
        6 => known.ct.clone(),
        9 => [&[*input.pick(&[0, 1, 0, 1, 0, 1, 2])], input.number().to_be_bytes().as_slice()].concat(),
        4 | 10 => Vec::new(),
        _ => input.some().to_vec(),
    };
    if input.byte() % 8 == 1 {
        let len = content.len();
        input.change(&mut content, &[0, len.saturating_sub(97), len.saturating_sub(32), len]);
    }
    content
}
