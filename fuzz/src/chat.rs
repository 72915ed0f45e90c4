//! The messages of the chat example (docs/chat.md), the example's own file.
//!
//! A message is read exactly when its fields are as long and as much UTF-8 as the document says, and is written back byte for byte.

#[path = "../../examples/chat/wire.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod wire;

use crate::input::Input;
use wire::{CHUNK_MAX, Message, NAME_MAX, STATEMENT_MAX, TEXT_MAX};

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let message = if input.flag() { input.rest().to_vec() } else { made(&mut input) };
    let read = Message::decode(&message);
    assert_eq!(read.is_ok(), is_message(&message), "{read:?}");
    let Ok(read) = read else { return };
    match read {
        Message::Unknown => assert!(message[0] > 10),
        known => assert!(known.encode() == message, "read, and written otherwise"),
    }
}

fn made(input: &mut Input) -> Vec<u8> {
    let (kind, most) = (input.byte() % 13, *input.pick(&[TEXT_MAX, NAME_MAX, 4, 12, 16, 28, 8, 300]));
    let mut fields = if matches!(kind, 2..=7) { input.bytes(4).to_vec() } else { Vec::new() };
    if kind == 1 {
        fields.extend_from_slice(input.bytes(8));
    }
    if kind == 2 {
        fields.extend_from_slice(input.bytes(8));
    }
    match input.byte() % 4 {
        0 => {}
        1 => fields.extend_from_slice(input.rest()),
        how => fields.extend(vec![if how == 2 { b'x' } else { input.byte() }; most + usize::from(input.byte() % 3) - 1]),
    }
    [&[kind], fields.as_slice()].concat()
}

fn is_message(message: &[u8]) -> bool {
    let Some((kind, fields)) = message.split_first() else { return false };
    let text = |bytes: &[u8], least, most| (least..=most).contains(&bytes.len()) && std::str::from_utf8(bytes).is_ok();
    match (kind, fields.len()) {
        (0, n) => n == 16,
        (1, n) => n >= 8 && text(&fields[8..], 1, TEXT_MAX),
        (2, n) => n >= 12 && text(&fields[12..], 1, NAME_MAX),
        (3, n) => (5..=4 + CHUNK_MAX).contains(&n),
        (4 | 5 | 7, n) => n == 4,
        (6, n) => n >= 4 && text(&fields[4..], 0, TEXT_MAX),
        (8, n) => (1..=STATEMENT_MAX).contains(&n),
        (9, n) => n == 28,
        (10, n) => n == 8,
        _ => true,
    }
}
