//! The chart is well-formed XML whatever the names in it, and shows every figure.

use std::time::Duration;

use tillroll_bench::{BenchReport, BenchStage, Bound, Figure, LoadShape, Machine, Size, chart};
use tillroll_events::Timestamp;

fn report(figures: Vec<Figure>) -> BenchReport {
    BenchReport {
        at: Timestamp::from_seconds(1_800_000_000),
        size: Size::Quick,
        machine: Machine {
            cpu: Some("A <fast> \"processor\" & more".into()),
            ..Machine::default()
        },
        warnings: Vec::new(),
        figures,
        bounds: Vec::new(),
    }
}

fn figure(case: &str, elements: u64) -> Figure {
    Figure::of(BenchStage::Http, case, elements, Duration::from_secs(1))
}

/// Elements open and close in order, attributes are quoted, and nothing else stands in `<` or
/// `&`. The names of the elements, in order.
fn elements(xml: &str) -> Vec<String> {
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        check_text(text);
        let end = tag.find('>').expect("a tag ends");
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in order");
            continue;
        }
        let (inside, closed) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        check_attributes(attributes);
        seen.push(name.to_owned());
        if !closed {
            open.push(name.to_owned());
        }
    }
    check_text(rest);
    assert!(open.is_empty(), "never closed: {open:?}");
    seen
}

fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
        let tail = &text[at..];
        assert!(
            known.iter().any(|entity| tail.starts_with(entity)),
            "{tail}"
        );
    }
    assert!(!text.contains('>'), "{text}");
}

fn check_attributes(attributes: &str) {
    let mut rest = attributes.trim();
    while !rest.is_empty() {
        let (name, tail) = rest.split_once("=\"").expect("attributes are quoted");
        assert!(
            name.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-'),
            "{name}"
        );
        let (_, tail) = tail.split_once('"').expect("quotes are closed");
        rest = tail.trim_start();
    }
}

#[test]
fn a_chart_is_well_formed() {
    let bounded = figure("bulk & <more>", 500).bound(Bound::new("\"x\"", 1_000));
    let open = Figure {
        load: LoadShape::Open {
            callers: 1,
            offered: 9,
        },
        ..figure("offered", 9)
    };
    let figures = vec![
        bounded,
        figure("nothing at all", 0),
        figure("more than any axis", u64::MAX).durable(),
        figure("\u{7}", 1),
        open,
    ];
    let svg = chart(&report(figures));
    let seen = elements(&svg);
    let count = |name: &str| seen.iter().filter(|seen| *seen == name).count();
    assert_eq!(count("svg"), 1);
    assert_eq!(
        count("rect"),
        1 + 4,
        "a background, and a bar for all but the open loop"
    );
    assert!(svg.contains("bulk &amp; &lt;more&gt;"), "{svg}");
    assert!(svg.contains("(50%)"), "{svg}");
    assert!(svg.contains("A &lt;fast&gt; &quot;processor&quot; &amp; more"));
    assert!(!svg.contains('\u{7}'));
}

#[test]
fn an_empty_report_is_a_chart_too() {
    assert!(elements(&chart(&report(Vec::new()))).contains(&"svg".to_owned()));
}

#[test]
#[should_panic(expected = "closed in order")]
fn the_check_notices_what_is_not_well_formed() {
    elements("<svg><g></svg></g>");
}
