//! The canonical form: what tells a value from any other.
//!
//! A tag, then a length or the value; members in order of their names, each a length, the name
//! and the value. Every length is said, so no two values have one form. A parser that
//! makes no tree writes the form piece by piece with these functions; [`Json::write_canonical`]
//! writes it with the same ones.
//!
//! Fingerprints of it are stored: this encoding never changes.

use crate::Json;

pub fn null(out: &mut Vec<u8>) {
    out.push(b'n');
}

pub fn truth(out: &mut Vec<u8>, truth: bool) {
    out.push(if truth { b't' } else { b'f' });
}

#[inline]
pub fn whole(out: &mut Vec<u8>, number: u64) {
    out.push(b'u');
    out.extend_from_slice(&number.to_le_bytes());
}

/// An integer below zero.
pub fn negative(out: &mut Vec<u8>, number: i64) {
    out.push(b'i');
    out.extend_from_slice(&number.to_le_bytes());
}

/// Any number that is not a 64-bit integer.
pub fn float(out: &mut Vec<u8>, number: f64) {
    out.push(b'd');
    out.extend_from_slice(&number.to_bits().to_le_bytes());
}

#[inline]
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b's');
    name(out, text);
}

/// The start of a list; its items follow.
pub fn list(out: &mut Vec<u8>, items: usize) {
    out.push(b'l');
    length(out, items);
}

/// The start of an object; its members follow, in order of their names, each name once.
pub fn object(out: &mut Vec<u8>, members: usize) {
    out.push(b'o');
    length(out, members);
}

/// A member's name; its value follows.
#[inline]
pub fn name(out: &mut Vec<u8>, name: &str) {
    length(out, name.len());
    out.extend_from_slice(name.as_bytes());
}

#[inline]
fn length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
}

impl Json<'_> {
    /// Appends the canonical form.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => null(out),
            Self::Truth(value) => truth(out, *value),
            Self::Whole(number) => whole(out, *number),
            Self::Negative(number) => negative(out, *number),
            Self::Float(number) => float(out, *number),
            Self::Text(value) => text(out, value),
            Self::List(items) => {
                list(out, items.len());
                items.iter().for_each(|item| item.write_canonical(out));
            }
            Self::Object(members) => {
                // Members are sorted, and of one name the last counts.
                let counts = |place: usize| {
                    let next = members.get(place + 1);
                    next.is_none_or(|(next, _)| *next != members[place].0)
                };
                object(
                    out,
                    (0..members.len()).filter(|place| counts(*place)).count(),
                );
                for (place, (member, value)) in members.iter().enumerate() {
                    if counts(place) {
                        name(out, member);
                        value.write_canonical(out);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Json;

    fn canonical(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        Json::parse(text).expect(text).write_canonical(&mut out);
        out
    }

    #[test]
    fn what_texts_mean_alone_counts() {
        let table: &[(&str, &[&str])] = &[
            // Each is unlike all others; behind it, other spellings of the same.
            ("null", &[" null\n"]),
            ("true", &[]),
            ("false", &[]),
            ("0", &[]),
            ("1", &["\t1 "]),
            ("-1", &[]),
            ("1.0", &["1e0", "1E+0", "10e-1", "0.1e1", "1.000"]),
            ("-0.0", &["-0", "-0e9"]),
            ("0.0", &["0e7", "0.00"]),
            (
                "0.1",
                &["1e-1", "0.10", "0.1000000000000000055511151231257827"],
            ),
            ("18446744073709551615", &[]),
            (
                "18446744073709551616",
                &["18446744073709551616.0", "1.8446744073709551616e19"],
            ),
            ("-9223372036854775808", &[]),
            (
                "-9223372036854775809",
                &["-9223372036854775808.0", "-9.223372036854775808e18"],
            ),
            ("1e300", &["10e299"]),
            ("\"\"", &[]),
            ("\"1\"", &["\"\\u0031\""]),
            ("\"null\"", &[]),
            ("\"é/\\n😀\"", &["\"\\u00e9\\/\\u000a\\ud83d\\ude00\""]),
            ("\"e\u{301}\"", &[]),
            ("[]", &["[ ]"]),
            ("[[]]", &[]),
            ("[1,2]", &["[ 1 , 2 ]"]),
            ("[2,1]", &[]),
            ("[12]", &[]),
            ("[[1],2]", &[]),
            ("[[1,2]]", &[]),
            ("{}", &["{ }"]),
            ("{\"a\":null}", &[]),
            ("{\"\":{}}", &[]),
            (
                "{\"a\":1,\"b\":{\"c\":[2],\"d\":\"\"}}",
                &[
                    "{ \"b\" : { \"d\" : \"\", \"c\" : [ 2 ] },\n\"a\" : 1 }",
                    "{\"\\u0062\":{\"c\":[2],\"d\":\"\"},\"\\u0061\":1}",
                    // What a later member of the same name hides is no part of the meaning.
                    "{\"a\":9,\"b\":{\"c\":[],\"d\":\"x\",\"c\":[2],\"d\":\"\"},\"a\":1}",
                    "{\"a\":[],\"\\u0061\":{},\"b\":0,\"a\":1,\"b\":{\"c\":[2],\"d\":\"\"}}",
                ],
            ),
            ("{\"a\":1,\"b\":{\"c\":[2]},\"d\":\"\"}", &[]),
            ("{\"a\":{\"b\":1}}", &[]),
            ("{\"a\":{},\"b\":1}", &[]),
            ("{\"ab\":1}", &[]),
        ];
        for (place, (text, same)) in table.iter().enumerate() {
            let form = canonical(text);
            for other in *same {
                assert_eq!(canonical(other), form, "{other} and {text}");
            }
            for (other, _) in &table[..place] {
                assert_ne!(canonical(other), form, "{other} and {text}");
            }
        }
    }

    /// Fingerprints are stored: a change here would make every repeated request a conflict.
    #[test]
    fn the_form_is_as_it_always_was() {
        let text = r#"{"b":[true,false,null,"é"],"a":{"n":1,"m":-2,"f":0.5}}"#;
        let expected: &[&[u8]] = &[
            b"o\x02\0\0\0\0\0\0\0",
            b"\x01\0\0\0\0\0\0\0a",
            b"o\x03\0\0\0\0\0\0\0",
            b"\x01\0\0\0\0\0\0\0fd\0\0\0\0\0\0\xe0\x3f",
            b"\x01\0\0\0\0\0\0\0mi\xfe\xff\xff\xff\xff\xff\xff\xff",
            b"\x01\0\0\0\0\0\0\0nu\x01\0\0\0\0\0\0\0",
            b"\x01\0\0\0\0\0\0\0b",
            b"l\x04\0\0\0\0\0\0\0tfns\x02\0\0\0\0\0\0\0\xc3\xa9",
        ];
        assert_eq!(canonical(text), expected.concat());
    }
}
