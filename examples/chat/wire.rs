//! What the chat says over its channel (docs/chat.md). One channel message is one [`Message`]: a kind, then its fields.

/// Most bytes of a text, and of a reason.
pub(crate) const TEXT_MAX: usize = 65_536;
/// Most bytes of a file in one chunk.
pub(crate) const CHUNK_MAX: usize = 65_536;
/// Most bytes of a statement.
pub(crate) const STATEMENT_MAX: usize = 65_536;
/// Most bytes of a file's name.
pub(crate) const NAME_MAX: usize = 255;
/// Most bytes of a message, of a kind known or not.
pub(crate) const MESSAGE_MAX: usize = 1 << 20;

/// What a side draws for a conversation, and says again in each of its channels.
pub(crate) type Run = [u8; 16];

/// What both sides agree on beforehand.
pub(crate) const PROLOGUE: &[u8] = b"twinlock chat/2";

/// The close code for a broken rule.
pub(crate) const BROKEN_RULE: u16 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Ready {
        run: Run,
    },
    Text {
        id: u64,
        text: &'a str,
    },
    File {
        id: u32,
        size: u64,
        name: &'a str,
    },
    Chunk {
        id: u32,
        bytes: &'a [u8],
    },
    FileEnd {
        id: u32,
    },
    FileCancel {
        id: u32,
    },
    FileStop {
        id: u32,
        reason: &'a str,
    },
    FileStored {
        id: u32,
    },
    /// What its sender says about their keys.
    Statement(&'a [u8]),
    /// What of this run of the reader's was dealt with: so many texts, and the files up to this number.
    Had {
        run: Run,
        texts: u64,
        files: u32,
    },
    /// All texts up to this one were shown.
    Got {
        id: u64,
    },
    /// A kind of a later edition, to be passed over.
    Unknown,
}

/// A rule that the other side broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

impl<'a> Message<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let id = |id: &u32| id.to_be_bytes();
        match self {
            Self::Ready { run } => joined(0, &[run]),
            Self::Text { id, text } => joined(1, &[&id.to_be_bytes(), text.as_bytes()]),
            Self::File { id: number, size, name } => joined(2, &[&id(number), &size.to_be_bytes(), name.as_bytes()]),
            Self::Chunk { id: number, bytes } => joined(3, &[&id(number), bytes]),
            Self::FileEnd { id: number } => joined(4, &[&id(number)]),
            Self::FileCancel { id: number } => joined(5, &[&id(number)]),
            Self::FileStop { id: number, reason } => joined(6, &[&id(number), reason.as_bytes()]),
            Self::FileStored { id: number } => joined(7, &[&id(number)]),
            Self::Statement(bytes) => joined(8, &[bytes]),
            Self::Had { run, texts, files } => joined(9, &[run, &texts.to_be_bytes(), &files.to_be_bytes()]),
            Self::Got { id } => joined(10, &[&id.to_be_bytes()]),
            Self::Unknown => Vec::new(),
        }
    }

    pub(crate) fn decode(message: &'a [u8]) -> Result<Self, Broken> {
        let (kind, fields) = message.split_first().ok_or(Broken("an empty message"))?;
        Ok(match kind {
            0 => Self::Ready { run: fields.try_into().map_err(|_| Broken("a Ready of a wrong length"))? },
            1 => {
                let (id, text) = fields.split_first_chunk().ok_or(CUT)?;
                Self::Text { id: u64::from_be_bytes(*id), text: utf8(text, 1, TEXT_MAX)? }
            }
            2 => {
                let (id, fields) = number(fields)?;
                let (size, name) = fields.split_first_chunk().ok_or(CUT)?;
                Self::File { id, size: u64::from_be_bytes(*size), name: utf8(name, 1, NAME_MAX)? }
            }
            3 => {
                let (id, bytes) = number(fields)?;
                if !(1..=CHUNK_MAX).contains(&bytes.len()) {
                    return Err(Broken("a chunk of a wrong length"));
                }
                Self::Chunk { id, bytes }
            }
            4 => Self::FileEnd { id: alone(fields)? },
            5 => Self::FileCancel { id: alone(fields)? },
            6 => {
                let (id, reason) = number(fields)?;
                Self::FileStop { id, reason: utf8(reason, 0, TEXT_MAX)? }
            }
            7 => Self::FileStored { id: alone(fields)? },
            8 if (1..=STATEMENT_MAX).contains(&fields.len()) => Self::Statement(fields),
            8 => return Err(Broken("a statement of a wrong length")),
            9 => {
                let (run, fields) = fields.split_first_chunk().ok_or(CUT)?;
                let (texts, files) = fields.split_first_chunk().ok_or(CUT)?;
                Self::Had { run: *run, texts: u64::from_be_bytes(*texts), files: alone(files)? }
            }
            10 => Self::Got { id: u64::from_be_bytes(fields.try_into().map_err(|_| CUT)?) },
            _ => Self::Unknown,
        })
    }
}

const CUT: Broken = Broken("a message of a wrong length");

fn joined(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let mut message = vec![kind];
    fields.iter().for_each(|field| message.extend_from_slice(field));
    message
}

fn number(fields: &[u8]) -> Result<(u32, &[u8]), Broken> {
    let (id, rest) = fields.split_first_chunk().ok_or(CUT)?;
    Ok((u32::from_be_bytes(*id), rest))
}

fn alone(fields: &[u8]) -> Result<u32, Broken> {
    match number(fields)? {
        (id, []) => Ok(id),
        _ => Err(CUT),
    }
}

fn utf8(bytes: &[u8], least: usize, most: usize) -> Result<&str, Broken> {
    if !(least..=most).contains(&bytes.len()) {
        return Err(Broken("a text of a wrong length"));
    }
    std::str::from_utf8(bytes).map_err(|_| Broken("a text that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_another() {
        for message in [
            Message::Ready { run: [7; 16] },
            Message::Text { id: u64::MAX, text: "grüße" },
            Message::File { id: 1, size: u64::MAX, name: "a" },
            Message::Chunk { id: u32::MAX, bytes: &[0; 3] },
            Message::FileEnd { id: 2 },
            Message::FileCancel { id: 3 },
            Message::FileStop { id: 4, reason: "" },
            Message::FileStored { id: 5 },
            Message::Statement(&[0; 3]),
            Message::Had { run: [8; 16], texts: 1, files: 2 },
            Message::Got { id: 9 },
        ] {
            assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
        assert_eq!(Message::Text { id: 2, text: "A" }.encode(), [1, 0, 0, 0, 0, 0, 0, 0, 2, b'A']);
        assert_eq!(Message::File { id: 1, size: 2, name: "n" }.encode(), [2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, b'n']);
    }

    #[test]
    fn malformed_fields_are_read() {
        let long = [&[1; 9][..], &[b'x'; TEXT_MAX + 1]].concat();
        let name = [&[2; 13][..], &[b'x'; NAME_MAX + 1]].concat();
        let statement = [8; STATEMENT_MAX + 2];
        let chunk = [&[3; 5][..], &[0; CHUNK_MAX + 1]].concat();
        for message in [
            &[][..],
            &[0],
            &[0; 18],
            &[1; 9],
            &[1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff],
            &long,
            &[2; 13],
            &name,
            &[3; 5],
            &chunk,
            &[4, 0, 0, 0],
            &[4, 0, 0, 0, 1, 0],
            &[5],
            &[6, 0],
            &[6, 0, 0, 0, 1, 0xff],
            &[7, 0, 0, 0, 1, 2],
            &[8],
            &statement,
            &[9; 28],
            &[9; 30],
            &[10; 8],
            &[10; 10],
        ] {
            assert!(Message::decode(message).is_err(), "{message:?}");
        }
        assert_eq!(Message::decode(&[11, 1, 2, 3]), Ok(Message::Unknown));
    }
}
