//! A core file of another process of ours: its writable memory, and what of it is stack, heap or else.

use crate::pieces::{PIECE, Pieces};
use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(crate) enum Kind {
    Stack,
    /// The heap, what the allocator maps besides, static data.
    Rest,
}

/// One mapping.
pub(crate) struct Area {
    pub(crate) kind: Kind,
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Every mapping of the process that can be written, while it stands still.
pub(crate) fn dump(pid: u32) -> Result<Vec<Area>, Box<dyn Error>> {
    let path = format!("/proc/{pid}/mem");
    let denied = |error| {
        format!("{path} cannot be read ({error}): a process must be allowed to trace its children (kernel.yama.ptrace_scope 0 or 1)")
    };
    let memory = File::open(&path).map_err(denied)?;
    let mut areas = Vec::new();
    for line in fs::read_to_string(format!("/proc/{pid}/maps"))?.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let (start, end) = range.split_once('-').ok_or("a line of maps without a range")?;
        let (start, end) = (u64::from_str_radix(start, 16)?, u64::from_str_radix(end, 16)?);
        if !rights.starts_with("rw") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(end - start)?];
        memory.read_exact_at(&mut bytes, start).map_err(denied)?;
        areas.push(Area { kind: if line.ends_with("[stack]") { Kind::Stack } else { Kind::Rest }, start, bytes });
    }
    if areas.iter().filter(|area| area.kind == Kind::Stack).count() != 1 {
        return Err("the process has no stack, or several".into());
    }
    Ok(areas)
}

/// Keeps it for whoever wants to look: the mappings one after the other, and their addresses in a file beside it.
pub(crate) fn save(areas: &[Area], path: &Path) -> Result<(), Box<dyn Error>> {
    let (mut core, mut maps) = (File::create(path)?, File::create(path.with_extension("maps"))?);
    for area in areas {
        core.write_all(&area.bytes)?;
        writeln!(maps, "{:012x} {:>10} {:?}", area.start, area.bytes.len(), area.kind)?;
    }
    Ok(())
}

/// How many bytes of each secret stand in memory, by its place in the list.
pub(crate) type Found = HashMap<(usize, Kind), usize>;

pub(crate) fn search(areas: &[Area], pieces: &Pieces) -> Found {
    let mut found = Found::new();
    for area in areas {
        pieces.within(&area.bytes).for_each(|index| *found.entry((index, area.kind)).or_default() += PIECE);
    }
    found
}
