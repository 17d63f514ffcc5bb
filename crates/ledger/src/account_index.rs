//! From an account's name to its slot.
//!
//! A cell is eight bytes: half of the name's hash, and the slot. Whether the account in the slot
//! has the name is for the caller to compare, who can do so for many names at once. Like the set
//! of ids it is in parts that grow one at a time.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use tillroll_money::Unit;

use crate::AccountId;
use crate::lines::read_all;

const PART_BITS: u32 = 8;
const PARTS: usize = 1 << PART_BITS;
/// How many names are waited for together.
const GROUP: usize = 32;

/// The hash of a path and a unit, the same in every process: nothing that can be observed may
/// depend on the process that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameHash(u64);

impl NameHash {
    #[must_use]
    pub fn of(path: &str, unit: Unit) -> Self {
        let mut hasher = FixedState::with_seed(0x7111_1011).build_hasher();
        hasher.write(path.as_bytes());
        // No path contains it, so that no two names run together to the same bytes.
        hasher.write_u8(b'/');
        hasher.write(unit.as_str().as_bytes());
        Self(hasher.finish())
    }

    fn part(self) -> usize {
        usize::try_from(self.0 >> (64 - PART_BITS)).expect("eight bits")
    }

    /// What a cell keeps of it.
    fn tag(self) -> u64 {
        self.0 << 32
    }

    fn home(self, mask: usize) -> usize {
        // The upper bits have chosen the part, the lower ones are the tag.
        usize::try_from(self.0 >> 24 & 0xffff_ffff).expect("32 bits") & mask
    }
}

#[derive(Debug)]
pub(crate) struct AccountIndex {
    parts: Box<[AccountIndexPart]>,
}

#[derive(Debug, Default)]
struct AccountIndexPart {
    /// A tag above, a slot and one below; zero is empty.
    cells: Vec<u64>,
    len: usize,
}

impl Default for AccountIndex {
    fn default() -> Self {
        Self {
            parts: (0..PARTS).map(|_| AccountIndexPart::default()).collect(),
        }
    }
}

impl AccountIndex {
    /// An index of many accounts at once, numbered from 0 in the order of their hashes. Nothing
    /// grows, and the waits for memory overlap. When two have the same name, which `same` says,
    /// the second of them is the answer.
    pub(crate) fn of(
        hashes: impl Iterator<Item = NameHash> + Clone,
        same: impl Fn(AccountId, AccountId) -> bool,
    ) -> Result<Self, AccountId> {
        let mut index = Self::default();
        for hash in hashes.clone() {
            index.parts[hash.part()].len += 1;
        }
        for part in &mut index.parts {
            let size = (part.len * 10 / 7 + 1).next_power_of_two().max(8);
            *part = AccountIndexPart {
                cells: vec![0; size],
                len: 0,
            };
        }
        let mut numbered = hashes.zip(0..).map(|(hash, id)| (hash, AccountId::new(id)));
        let mut group = Vec::with_capacity(GROUP);
        loop {
            group.clear();
            group.extend(numbered.by_ref().take(GROUP));
            if group.is_empty() {
                return Ok(index);
            }
            let cells = group.iter().filter_map(|(hash, _)| index.line(*hash));
            read_all(cells, |cell| *cell);
            for (hash, id) in &group {
                if index.find(*hash, |known| same(known, *id)).is_some() {
                    return Err(*id);
                }
                index.insert(*hash, *id, |_| unreachable!("the part has its size"));
            }
        }
    }

    /// The first slot with this hash for which `is_it` holds.
    pub(crate) fn find(
        &self,
        hash: NameHash,
        mut is_it: impl FnMut(AccountId) -> bool,
    ) -> Option<AccountId> {
        let part = &self.parts[hash.part()];
        let mask = part.cells.len().checked_sub(1)?;
        let mut at = hash.home(mask);
        loop {
            let cell = part.cells[at];
            if cell == 0 {
                return None;
            }
            if cell & !0xffff_ffff == hash.tag() {
                let id = slot_of(cell);
                if is_it(id) {
                    return Some(id);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Where this name would be.
    pub(crate) fn line(&self, hash: NameHash) -> Option<&u64> {
        let part = &self.parts[hash.part()];
        let mask = part.cells.len().checked_sub(1)?;
        part.cells.get(hash.home(mask))
    }

    /// Adds a slot. `hash_of` answers the hash of any slot that was added before.
    pub(crate) fn insert(
        &mut self,
        hash: NameHash,
        id: AccountId,
        hash_of: impl Fn(AccountId) -> NameHash,
    ) {
        let part = &mut self.parts[hash.part()];
        if part.len * 10 >= part.cells.len() * 7 {
            let size = (part.cells.len() * 2).max(8);
            let old = std::mem::replace(&mut part.cells, vec![0; size]);
            for cell in old.into_iter().filter(|cell| *cell != 0) {
                part.put(hash_of(slot_of(cell)), cell);
            }
        }
        let cell = hash.tag() | (u64::from(id.get()) + 1);
        part.put(hash, cell);
        part.len += 1;
    }
}

impl AccountIndexPart {
    fn put(&mut self, hash: NameHash, cell: u64) {
        let mask = self.cells.len() - 1;
        let mut at = hash.home(mask);
        while self.cells[at] != 0 {
            at = (at + 1) & mask;
        }
        self.cells[at] = cell;
    }
}

fn slot_of(cell: u64) -> AccountId {
    let number = (cell & 0xffff_ffff) - 1;
    AccountId::new(u32::try_from(number).expect("32 bits"))
}
