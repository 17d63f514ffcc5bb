//! A chart of stages against bounds, as SVG: one bar for each figure, a mark where its bound is.
//!
//! The scale is logarithmic, since figures are four powers of ten apart. All arithmetic is in
//! whole numbers: a chart has pixels.

use std::fmt::Write;

use crate::{BenchReport, Figure};

const LABELS: u64 = 430;
const PLOT: u64 = 560;
const RIGHT: u64 = 130;
const ROW: u64 = 22;
const TOP: u64 = 64;
const BOTTOM: u64 = 56;

/// The smallest power of ten on the axis.
const LEAST: u64 = 100;

/// Draws a report.
#[must_use]
pub fn chart(report: &BenchReport) -> String {
    // An open loop shows what was offered, not what is possible.
    let figures: Vec<&Figure> = report
        .figures
        .iter()
        .filter(|figure| figure.load.as_str() != "open")
        .collect();
    let most = figures
        .iter()
        .flat_map(|figure| [figure.per_second(), bound(figure).unwrap_or(0)])
        .max();
    let decades = decades(most.unwrap_or(0));
    let height = TOP + ROW * figures.len() as u64 + BOTTOM;
    let width = LABELS + PLOT + RIGHT;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<rect width="{width}" height="{height}" fill="#ffffff"/>
"##
    );
    let title = format!(
        "tillroll {}, per second, {}",
        env!("CARGO_PKG_VERSION"),
        report.machine.cpu.as_deref().unwrap_or("unknown processor")
    );
    text(&mut svg, 12, 24, "start", 15, &title);
    let legend =
        "dark: durable, light: in memory, red: the tightest bound of the same machine and run";
    text(&mut svg, 12, 44, "start", 11, legend);
    axis(&mut svg, decades, height);
    for (row, figure) in figures.iter().enumerate() {
        let top = TOP + ROW * row as u64;
        bar(&mut svg, figure, top, decades);
    }
    svg.push_str("</svg>\n");
    svg
}

fn bound(figure: &Figure) -> Option<u64> {
    figure.tightest().map(|bound| bound.per_second)
}

/// Powers of ten from the least one to the first above the most.
fn decades(most: u64) -> u64 {
    let most = most.max(LEAST * 10);
    u64::from(most.ilog10() - LEAST.ilog10() + 1)
}

/// Pixels from the axis.
fn along(rate: u64, decades: u64) -> u64 {
    let above = log10_millis(rate).saturating_sub(log10_millis(LEAST));
    (above * PLOT / (decades * 1_000)).min(PLOT)
}

/// The decimal logarithm in thousandths, rounded down.
fn log10_millis(number: u64) -> u64 {
    let number = number.max(1);
    // Ten bits after the point of the logarithm to base two, by squaring: each square above two
    // is a bit.
    const ONE: u128 = 1 << 62;
    let whole = number.ilog2();
    let mut part = (u128::from(number) << 62) >> whole;
    let mut bits = u64::from(whole);
    for _ in 0..14 {
        part = (part * part) >> 62;
        bits <<= 1;
        if part >= 2 * ONE {
            part >>= 1;
            bits |= 1;
        }
    }
    // log10(2) is 0.30103.
    ((u128::from(bits) * 301_030) >> 14)
        .div_euclid(1_000)
        .try_into()
        .unwrap_or(u64::MAX)
}

fn axis(svg: &mut String, decades: u64, height: u64) {
    let bottom = height - BOTTOM + 4;
    for decade in 0..=decades {
        let x = LABELS + decade * PLOT / decades;
        writeln!(
            svg,
            r##"<line x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom}" stroke="#dddddd"/>"##
        )
        .expect("memory takes text");
        let exponent = u32::try_from(decade).unwrap_or(0) + LEAST.ilog10();
        text(
            svg,
            x,
            bottom + 16,
            "middle",
            11,
            &short(10_u64.saturating_pow(exponent)),
        );
    }
}

fn bar(svg: &mut String, figure: &Figure, top: u64, decades: u64) {
    let rate = figure.per_second();
    let label = format!("{}: {}", figure.stage.as_str(), figure.case);
    text(svg, LABELS - 8, top + 15, "end", 12, &label);
    let (width, height) = (along(rate, decades), ROW - 6);
    let color = if figure.durable { "#1f5f8b" } else { "#9cc3dd" };
    let y = top + 3;
    writeln!(
        svg,
        r##"<rect x="{LABELS}" y="{y}" width="{width}" height="{height}" fill="{color}"/>"##
    )
    .expect("memory takes text");
    let mut end = LABELS + width;
    if let Some(bound) = bound(figure) {
        let x = LABELS + along(bound, decades);
        let (from, to) = (top + 1, top + ROW - 1);
        writeln!(
            svg,
            r##"<line x1="{x}" y1="{from}" x2="{x}" y2="{to}" stroke="#c0392b" stroke-width="3"/>"##
        )
        .expect("memory takes text");
        end = end.max(x);
    }
    let ratio = figure
        .ratio()
        .map_or(String::new(), |ratio| format!(" ({}%)", ratio / 10));
    text(
        svg,
        end + 6,
        top + 15,
        "start",
        11,
        &format!("{}{ratio}", short(rate)),
    );
}

/// `1.2 M`
fn short(rate: u64) -> String {
    let (unit, name) = match rate {
        0..1_000 => return rate.to_string(),
        1_000..1_000_000 => (1_000, "k"),
        1_000_000..1_000_000_000 => (1_000_000, "M"),
        _ => (1_000_000_000, "G"),
    };
    match (rate / unit, rate % unit * 10 / unit) {
        (whole, tenth) if whole < 10 && tenth > 0 => format!("{whole}.{tenth} {name}"),
        (whole, _) => format!("{whole} {name}"),
    }
}

fn text(svg: &mut String, x: u64, y: u64, anchor: &str, size: u64, content: &str) {
    let content = escaped(content);
    writeln!(
        svg,
        r##"<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="#222222">{content}</text>"##
    )
    .expect("memory takes text");
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_within_a_thousandth() {
        for (number, expected) in [
            (1, 0),
            (2, 301),
            (10, 1_000),
            (999, 2_999),
            (1_000, 3_000),
            (5_000_000, 6_698),
            (u64::MAX, 19_265),
        ] {
            let found = log10_millis(number);
            assert!(found.abs_diff(expected) <= 1, "{number}: {found}");
        }
    }

    #[test]
    fn figures_lie_on_their_decade() {
        for (rate, decades, expected) in [
            (100, 4, 0),
            (50, 4, 0),
            (10_000, 4, PLOT / 2),
            (1_000_000, 4, PLOT),
            (u64::MAX, 4, PLOT),
        ] {
            let found = along(rate, decades);
            assert!(found.abs_diff(expected) <= 1, "{rate}: {found}");
        }
        assert_eq!(
            (decades(0), decades(999_999), decades(1_000_000)),
            (2, 4, 5)
        );
    }

    #[test]
    fn rates_are_short() {
        for (rate, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1 k"),
            (1_250, "1.2 k"),
            (47_500, "47 k"),
            (3_700_000, "3.7 M"),
            (1_000_000_000, "1 G"),
        ] {
            assert_eq!(short(rate), expected);
        }
    }
}
