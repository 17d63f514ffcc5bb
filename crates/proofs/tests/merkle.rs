//! The tree and its proofs against the definitions of RFC 6962, for every tree that is small
//! enough to try all of it.

mod support;

use std::collections::HashMap;
use std::ops::Range;

use proptest::prelude::*;
use support::golden;
use tillroll_proofs::merkle::{
    EMPTY_ROOT, Frontier, FullTree, ProofError, ProveError, TreeHash, consistency_proof,
    inclusion_proof, leaf_hash, node_hash, root_at, verify_consistency, verify_inclusion,
};

const LARGEST: u64 = 512;

/// RFC 6962, 2.1, word for word, with a memory so that the test ends.
struct Reference {
    leaves: Vec<TreeHash>,
    known: HashMap<Range<usize>, TreeHash>,
}

impl Reference {
    fn new(leaves: Vec<TreeHash>) -> Self {
        Self {
            leaves,
            known: HashMap::new(),
        }
    }

    fn mth(&mut self, d: Range<usize>) -> TreeHash {
        if let Some(hash) = self.known.get(&d) {
            return *hash;
        }
        let hash = match d.len() {
            0 => EMPTY_ROOT,
            1 => self.leaves[d.start],
            n => {
                let k = largest_power_of_two_below(n);
                let left = self.mth(d.start..d.start + k);
                let right = self.mth(d.start + k..d.end);
                node_hash(left, right)
            }
        };
        self.known.insert(d, hash);
        hash
    }

    fn path(&mut self, m: usize, d: Range<usize>) -> Vec<TreeHash> {
        if d.len() == 1 {
            return vec![];
        }
        let k = largest_power_of_two_below(d.len());
        let (mut path, beside) = if m < k {
            let beside = self.mth(d.start + k..d.end);
            (self.path(m, d.start..d.start + k), beside)
        } else {
            let beside = self.mth(d.start..d.start + k);
            (self.path(m - k, d.start + k..d.end), beside)
        };
        path.push(beside);
        path
    }

    fn subproof(&mut self, m: usize, d: Range<usize>, b: bool) -> Vec<TreeHash> {
        if m == d.len() {
            return if b { vec![] } else { vec![self.mth(d)] };
        }
        let k = largest_power_of_two_below(d.len());
        let (mut proof, beside) = if m <= k {
            let beside = self.mth(d.start + k..d.end);
            (self.subproof(m, d.start..d.start + k, b), beside)
        } else {
            let beside = self.mth(d.start..d.start + k);
            (self.subproof(m - k, d.start + k..d.end, false), beside)
        };
        proof.push(beside);
        proof
    }
}

fn largest_power_of_two_below(n: usize) -> usize {
    (0..)
        .map(|bit| 1 << bit)
        .take_while(|k| *k < n)
        .last()
        .unwrap()
}

fn leaves(count: u64) -> Vec<TreeHash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn trees() -> (FullTree, Reference) {
    let leaves = leaves(LARGEST);
    (leaves.iter().copied().collect(), Reference::new(leaves))
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

#[test]
fn every_root_to_512_is_that_of_the_definition() {
    let (tree, mut reference) = trees();
    let mut frontier = Frontier::new();
    for size in 0..=LARGEST {
        let expected = reference.mth(0..index(size));
        assert_eq!(frontier.size(), size);
        assert_eq!(frontier.root(), expected, "frontier of {size}");
        assert_eq!(root_at(&tree, size), Ok(expected), "tree at {size}");
        frontier.push(leaf_hash(&size.to_be_bytes()));
    }
}

#[test]
fn every_leaf_of_every_tree_to_512_is_proved() {
    let (tree, mut reference) = trees();
    for size in 1..=LARGEST {
        let root = reference.mth(0..index(size));
        for leaf in 0..size {
            let path = inclusion_proof(&tree, leaf, size).unwrap();
            assert_eq!(
                path,
                reference.path(index(leaf), 0..index(size)),
                "{leaf} of {size}"
            );
            let hash = reference.leaves[index(leaf)];
            assert_eq!(
                verify_inclusion(hash, leaf, size, root, &path),
                Ok(()),
                "{leaf} of {size}"
            );
        }
    }
}

#[test]
fn every_tree_to_512_is_shown_to_begin_every_later_one() {
    let (tree, mut reference) = trees();
    for new in 0..=LARGEST {
        let new_root = reference.mth(0..index(new));
        for old in 0..=new {
            let old_root = reference.mth(0..index(old));
            let proof = consistency_proof(&tree, old, new).unwrap();
            if old > 0 {
                let expected = reference.subproof(index(old), 0..index(new), true);
                assert_eq!(proof, expected, "{old} to {new}");
            }
            let verified = verify_consistency(old, old_root, new, new_root, &proof);
            assert_eq!(verified, Ok(()), "{old} to {new}");
        }
    }
}

/// Each hash with each of its bytes changed.
fn altered(hash: TreeHash) -> impl Iterator<Item = TreeHash> {
    (0..TreeHash::BYTES).map(move |at| {
        let mut bytes = *hash.as_bytes();
        bytes[at] ^= 1 << (at % 8);
        TreeHash::new(bytes)
    })
}

/// A list with one hash altered, each byte of each; one hash more, one less, two exchanged.
fn altered_lists(list: &[TreeHash]) -> Vec<Vec<TreeHash>> {
    let mut lists = Vec::new();
    for at in 0..list.len() {
        lists.extend(altered(list[at]).map(|hash| {
            let mut list = list.to_vec();
            list[at] = hash;
            list
        }));
        let mut shorter = list.to_vec();
        shorter.remove(at);
        lists.push(shorter);
        if at > 0 {
            let mut exchanged = list.to_vec();
            exchanged.swap(at - 1, at);
            lists.push(exchanged);
        }
    }
    lists.push([list, &[EMPTY_ROOT]].concat());
    lists.push([&[EMPTY_ROOT], list].concat());
    lists
}

const ALTERED_SIZES: [u64; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 21, 33];

#[test]
fn no_altered_inclusion_proof_holds() {
    let (tree, mut reference) = trees();
    for size in ALTERED_SIZES {
        let root = reference.mth(0..index(size));
        for leaf in 0..size {
            let path = inclusion_proof(&tree, leaf, size).unwrap();
            let hash = reference.leaves[index(leaf)];
            let at = format!("{leaf} of {size}");
            for other in altered(hash) {
                let verified = verify_inclusion(other, leaf, size, root, &path);
                assert!(
                    matches!(verified, Err(ProofError::RootMismatch { .. })),
                    "{at}"
                );
            }
            for other in altered(root) {
                let verified = verify_inclusion(hash, leaf, size, other, &path);
                assert!(
                    matches!(verified, Err(ProofError::RootMismatch { .. })),
                    "{at}"
                );
            }
            for other in altered_lists(&path) {
                assert!(
                    verify_inclusion(hash, leaf, size, root, &other).is_err(),
                    "{at}"
                );
            }
            for other in (0..size + 2).filter(|other| *other != leaf) {
                let verified = verify_inclusion(hash, other, size, root, &path);
                assert!(verified.is_err(), "{at} as {other}");
            }
        }
    }
}

#[test]
fn no_altered_consistency_proof_holds() {
    let (tree, mut reference) = trees();
    for new in ALTERED_SIZES {
        let new_root = reference.mth(0..index(new));
        for old in 1..=new {
            let old_root = reference.mth(0..index(old));
            let proof = consistency_proof(&tree, old, new).unwrap();
            let at = format!("{old} to {new}");
            for other in altered(old_root) {
                let verified = verify_consistency(old, other, new, new_root, &proof);
                assert!(verified.is_err(), "{at}");
            }
            for other in altered(new_root) {
                let verified = verify_consistency(old, old_root, new, other, &proof);
                assert!(
                    matches!(verified, Err(ProofError::NewRootMismatch { .. })),
                    "{at}"
                );
            }
            for other in altered_lists(&proof) {
                let verified = verify_consistency(old, old_root, new, new_root, &other);
                assert!(verified.is_err(), "{at}");
            }
            for other in (0..new + 2).filter(|other| *other != old) {
                let verified = verify_consistency(other, old_root, new, new_root, &proof);
                assert!(verified.is_err(), "{at} as {other}");
            }
        }
    }
}

#[test]
fn the_empty_tree_begins_every_tree_and_no_other_root_is_its() {
    let (tree, _) = trees();
    let root = root_at(&tree, 7).unwrap();
    assert_eq!(verify_consistency(0, EMPTY_ROOT, 7, root, &[]), Ok(()));
    assert_eq!(
        verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, &[]),
        Ok(())
    );
    for (old, new) in [((0, root), (7, root)), ((0, EMPTY_ROOT), (0, root))] {
        let verified = verify_consistency(old.0, old.1, new.0, new.1, &[]);
        assert!(verified.is_err(), "{old:?} to {new:?}");
    }
}

#[test]
fn what_cannot_be_proved_is_refused_by_name() {
    let tree: FullTree = leaves(5).into_iter().collect();
    assert_eq!(
        inclusion_proof(&tree, 5, 5),
        Err(ProveError::NoSuchLeaf { index: 5, size: 5 })
    );
    assert_eq!(
        inclusion_proof(&tree, 0, 0),
        Err(ProveError::NoSuchLeaf { index: 0, size: 0 })
    );
    let beyond = ProveError::NotThere {
        size: 6,
        available: 5,
    };
    assert_eq!(inclusion_proof(&tree, 0, 6), Err(beyond.clone()));
    assert_eq!(consistency_proof(&tree, 6, 6), Err(beyond.clone()));
    assert_eq!(root_at(&tree, 6), Err(beyond));
    assert_eq!(
        consistency_proof(&tree, 4, 3),
        Err(ProveError::Reversed { old: 4, new: 3 })
    );
    let verified = verify_inclusion(EMPTY_ROOT, 3, 5, EMPTY_ROOT, &[EMPTY_ROOT]);
    assert_eq!(
        verified,
        Err(ProofError::PathLength {
            expected: 3,
            found: 1
        })
    );
}

#[test]
fn a_record_does_not_pass_for_a_node() {
    let leaves = leaves(2);
    let inside = [leaves[0].as_bytes().as_slice(), leaves[1].as_bytes()].concat();
    assert_ne!(leaf_hash(&inside), node_hash(leaves[0], leaves[1]));
}

#[test]
fn golden_trees_have_their_golden_roots_and_proofs() {
    let bytes: Vec<u8> = (0..64).collect();
    let tree: FullTree = (0..64).map(|n| leaf_hash(&bytes[..n])).collect();
    let hashes = |list: std::str::SplitWhitespace<'_>| -> Vec<TreeHash> {
        list.map(|hash| TreeHash::from_base64(hash).unwrap())
            .collect()
    };
    let text = golden("trees");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap();
        let mut number = || words.next().unwrap().parse().unwrap();
        match first {
            "path" => {
                let (leaf, size) = (number(), number());
                assert_eq!(
                    inclusion_proof(&tree, leaf, size),
                    Ok(hashes(words)),
                    "{line}"
                );
            }
            "grown" => {
                let (old, new) = (number(), number());
                assert_eq!(
                    consistency_proof(&tree, old, new),
                    Ok(hashes(words)),
                    "{line}"
                );
            }
            size => {
                let root = root_at(&tree, size.parse().unwrap()).unwrap();
                assert_eq!(hashes(words), [root], "{line}");
            }
        }
    }
}

fn hash() -> impl Strategy<Value = TreeHash> {
    any::<[u8; 32]>().prop_map(TreeHash::new)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..9_u64,
        any::<u64>(),
        (0..3_u64).prop_map(|n| u64::MAX - n)
    ]
}

proptest! {
    #[test]
    fn hostile_numbers_and_hashes_are_refused_without_a_panic(
        a in number(),
        b in number(),
        first in hash(),
        second in hash(),
        list in prop::collection::vec(hash(), 0..70),
    ) {
        // The one thing that holds for any hashes: a tree is the beginning of itself.
        let trivial = list.is_empty() && first == second;
        prop_assert!(verify_inclusion(first, a, b, second, &list).is_err() || trivial);
        prop_assert!(verify_consistency(a, first, b, second, &list).is_err() || trivial);
    }
}
