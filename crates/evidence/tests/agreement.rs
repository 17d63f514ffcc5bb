//! `check.py` reads and shows what the program does: every version of every record, every unit,
//! times, and signatures.

mod support;

use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::{ORDER, found, found_by_python, has_python, key, pack_of, python, story};
use tillroll_events::{AccountNames, CalendarDate, Record, Timestamp};
use tillroll_ledger::AccountId;
use tillroll_money::{Amount, Unit};
use tillroll_proofs::Note;

/// Records of every kind, in every version that was ever written, in both envelopes.
fn golden() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/tests/golden/records.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let bytes = |line: &str| hex::decode(line.rsplit(' ').next().unwrap()).unwrap();
    text.lines().map(bytes).collect()
}

#[test]
fn both_show_every_record_that_was_ever_written_alike() {
    let mut log = golden();
    let kinds: std::collections::BTreeSet<_> = log
        .iter()
        .map(|bytes| (Record::kind(bytes).unwrap(), bytes[2], bytes[3]))
        .collect();
    for kind in tillroll_events::Kind::ALL {
        for version in kind.versions() {
            let any = kinds
                .iter()
                .any(|(of, written, _)| of == kind && written == version);
            assert!(any, "no record of {} v{version}", kind.name());
        }
    }
    assert!(kinds.iter().any(|(_, _, envelope)| *envelope == 0));
    assert!(kinds.iter().any(|(_, _, envelope)| *envelope == 1));
    // With the story behind them, whose accounts have names.
    log.extend(story().encoded());
    let files = pack_of(&log, 1..=log.len() as u64, ORDER, &[key(1)]);
    let ours = found(&files);
    // They are of no one story: that is all that is wrong with them.
    let is_expected = |finding: &String| {
        finding.ends_with("nothing links this record to the order")
            || finding.contains("is opened by no record of the pack")
    };
    assert!(ours.iter().all(is_expected), "{ours:#?}");
    if has_python() {
        assert_eq!(ours, found_by_python(&files));
    }
}

/// Of records with a byte changed or cut short: what both read they show alike, and `check.py` ends
/// with a reason and not with an error of its own on what it cannot read. It is the stricter of the
/// two about shapes, and shows texts such as units without asking what they mean.
#[test]
fn what_both_read_of_a_damaged_record_they_show_alike() {
    struct NoNames;
    impl AccountNames for NoNames {
        fn name(&self, _: AccountId) -> Option<(String, Unit)> {
            None
        }
    }
    if !has_python() {
        return;
    }
    let mut runner = TestRunner::new(ProptestConfig::default());
    let log = golden();
    let strategy = (0..log.len(), any::<prop::sample::Index>(), 0..=255_u8);
    let mut cases = log.clone();
    for _ in 0..1_000 {
        let (record, at, byte) = strategy.new_tree(&mut runner).unwrap().current();
        let mut bytes = log[record].clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        cases.push(bytes);
        cases.push(log[record][..at].to_vec());
    }
    let input: String = cases
        .iter()
        .map(|bytes| hex::encode(bytes) + "\n")
        .collect();
    let script = "
for line in sys.stdin:
    try:
        record = check.Record(7, bytes.fromhex(line.strip()))
        print(check.canonical(check.Pack('', [record]).event(record, 's')))
    except (check.Wrong, UnicodeDecodeError):
        print('-')
";
    let said = python(script, &input);
    let mut both = 0;
    for (bytes, theirs) in cases.iter().zip(said.split_terminator('\n')) {
        let Ok(record) = Record::decode(bytes) else {
            continue;
        };
        if theirs == "-" {
            continue;
        }
        let ours = record.to_cloud_event(7, "s", &NoNames).to_string();
        assert_eq!(ours, theirs, "{}", hex::encode(bytes));
        both += 1;
    }
    assert!(both > log.len() * 2, "{both}");
}

#[test]
fn both_write_amounts_and_times_alike() {
    if !has_python() {
        return;
    }
    // Every currency that there is.
    let letters = || b'A'..=b'Z';
    let codes =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
    let codes = codes.map(|code| String::from_utf8(code.to_vec()).unwrap());
    let mut units: Vec<String> = codes.filter(|code| code.parse::<Unit>().is_ok()).collect();
    assert!(units.len() > 150, "{}", units.len());
    units.extend(["sku:TEE-M", "points", "points:EUR"].map(str::to_owned));
    let mut input = String::new();
    let mut expected = String::new();
    for unit in units {
        for minor in [0_u64, 5, 30_091, u64::MAX] {
            let parsed: Unit = unit.parse().unwrap();
            input += &format!("{minor} {unit}\n");
            expected += &(Amount::major_of(minor.into(), parsed) + "\n");
        }
    }
    let script = "
for line in sys.stdin:
    minor, unit = line.split()
    print(check.major(int(minor), unit))
";
    assert_eq!(python(script, &input), expected);

    let mut runner = TestRunner::new(ProptestConfig::default());
    let mut times = vec![
        i64::MIN,
        -1,
        0,
        1,
        i64::MAX,
        253_402_207_200_000_000,
        500_000,
    ];
    times.push(-62_167_219_200_000_001);
    for _ in 0..500 {
        let any = prop_oneof![
            any::<i64>(),
            -100_000_000_000_000_000..100_000_000_000_000_000_i64
        ];
        times.push(any.new_tree(&mut runner).unwrap().current());
    }
    let show = |micros: &i64| Timestamp::from_micros(*micros).to_string() + "\n";
    let input: String = times
        .iter()
        .map(|micros| format!("{}\n", Timestamp::from_micros(*micros).micros()))
        .collect();
    let script = "print(*(check.moment(int(line)) for line in sys.stdin), sep='\\n')";
    assert_eq!(
        python(script, &input),
        times.iter().map(show).collect::<String>()
    );

    let days: Vec<i32> = (-719_162..2_932_896)
        .step_by(3_331)
        .chain([-1, 0, 1])
        .collect();
    let input: String = days.iter().map(|day| format!("{day}\n")).collect();
    let script = "print(*(check.day(int(line)) for line in sys.stdin), sep='\\n')";
    let expected = days
        .iter()
        .map(|day| CalendarDate::from_days(*day).unwrap().to_string() + "\n");
    assert_eq!(python(script, &input), expected.collect::<String>());
}

/// RFC 8032, section 7.1: public key, message, signature.
const VECTORS: [(&str, &str, &str); 3] = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
];

#[test]
fn both_judge_signatures_alike() {
    if !has_python() {
        return;
    }
    let mut cases: Vec<[Vec<u8>; 3]> = VECTORS
        .iter()
        .map(|(key, text, signature)| {
            [key, text, signature].map(|hex_text| hex::decode(hex_text).unwrap())
        })
        .collect();
    // And what the program signs.
    for seed in 1..=12 {
        let text = format!("text {seed}\n").repeat(usize::from(seed));
        let signed = Note::sign(&*text, &[&key(seed)]).unwrap();
        let public = key(seed).verifier().public().to_vec();
        let signature = signed.signatures()[0].signature.clone();
        cases.push([public, text.into_bytes(), signature]);
    }
    let good = cases.len();
    // Of one byte changed in each part, and of signatures and keys that are weak or not canonical.
    let mut runner = TestRunner::new(ProptestConfig::default());
    let strategy = (
        0..good,
        0..3_usize,
        any::<prop::sample::Index>(),
        1..=255_u8,
    );
    for _ in 0..120 {
        let (case, part, at, by) = strategy.new_tree(&mut runner).unwrap().current();
        let mut case = cases[case].clone();
        if !case[part].is_empty() {
            let at = at.index(case[part].len());
            case[part][at] ^= by;
            cases.push(case);
        }
    }
    let mut beyond = cases[1].clone();
    // S + L.
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let mut carry = 0_u16;
    for (byte, add) in beyond[2][32..].iter_mut().zip(hex::decode(order).unwrap()) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    cases.push(beyond);
    let mut identity = vec![0; 64];
    identity[0] = 1;
    cases.push([identity[..32].to_vec(), b"any".to_vec(), identity.clone()]);
    cases.push([cases[0][0].clone(), b"any".to_vec(), identity]);
    let input: String = cases
        .iter()
        .map(|case| {
            case.iter()
                .map(|part| hex::encode(part) + ".")
                .collect::<String>()
                + "\n"
        })
        .collect();
    let script = "
for line in sys.stdin:
    key, text, signature = (bytes.fromhex(part) for part in line.strip().split('.')[:3])
    print(int(check.has_signed(key, text, signature)))
";
    let theirs: Vec<bool> = python(script, &input)
        .lines()
        .map(|line| line == "1")
        .collect();
    let ours: Vec<bool> = cases
        .iter()
        .map(|[key, text, signature]| {
            let key = ed25519_dalek::VerifyingKey::try_from(key.as_slice());
            let signature = ed25519_dalek::Signature::from_slice(signature);
            let (Ok(key), Ok(signature)) = (key, signature) else {
                return false;
            };
            key.verify_strict(text, &signature).is_ok()
        })
        .collect();
    assert!(ours[..good].iter().all(|holds| *holds), "the vectors hold");
    assert!(
        ours[good..].iter().all(|holds| !holds),
        "nothing that was changed holds"
    );
    assert_eq!(theirs, ours);
}

/// What README tells people to compare `check.py` with.
#[test]
fn the_documents_say_what_check_py_is() {
    let document = include_str!("../../proofs/PROOFS.md");
    let files = support::story_pack();
    let manifest = String::from_utf8(files["manifest.txt"].clone()).unwrap();
    let line = manifest
        .lines()
        .find(|line| line.ends_with("  check.py"))
        .unwrap();
    assert!(
        document.contains(line),
        "PROOFS.md is to have this line: {line}"
    );
}
