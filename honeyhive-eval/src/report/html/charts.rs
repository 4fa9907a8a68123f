//! The charts of the page, as inline SVG; the stylesheet colours them for light and dark.

use std::fmt::Display;

use super::super::markup::Markup;
use super::super::text::{cut, delta_of, number, percent, plural};
use crate::compare::MetricComparison;
use crate::stats::{Interval, float};

/// Size of a chart in its own units; the page scales it.
const WIDTH: f64 = 240.0;
const BINS: usize = 16;
/// Labels shown, the most frequent, and characters of each.
const SHOWN_LABELS: usize = 12;
const LABEL_CHARS: usize = 60;

/// A rate as a bar, with its interval as a whisker.
pub(super) fn rate(out: &mut Markup, name: &str, rate: f64, interval: Option<Interval>) {
    chart(out, &format!("{name}: {}", percent(rate)), WIDTH, 20.0, |svg| {
        rectangle(svg, "track", 0.0, 4.0, WIDTH, 12.0);
        rectangle(svg, "bar", 0.0, 4.0, WIDTH * rate, 12.0);
        if let Some(Interval { low, high }) = interval {
            whisker(svg, WIDTH * low, WIDTH * high, 10.0);
        }
    });
}

/// How numbers are distributed, with the interval of their mean below.
pub(super) fn histogram(out: &mut Markup, name: &str, values: &[f64], interval: Option<Interval>) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let counts = bins(values, low, high);
    let tallest = float(counts.iter().copied().max().unwrap_or(1).max(1));
    let title = format!(
        "{name}: {} values from {} to {}",
        values.len(),
        number(low),
        number(high)
    );
    chart(out, &title, WIDTH, 76.0, |svg| {
        let width = WIDTH / float(BINS);
        for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = 56.0 * float(*count) / tallest;
            rectangle(
                svg,
                "bar",
                float(index) * width + 0.5,
                56.0 - height,
                width - 1.0,
                height,
            );
        }
        line(svg, "axis", 0.0, 56.0, WIDTH, 56.0);
        if let Some(interval) = interval.filter(|_| high > low) {
            let at = |value: f64| WIDTH * place(value, low, high);
            whisker(svg, at(interval.low), at(interval.high), 61.0);
        }
        label(svg, 0.0, 74.0, "start", number(low));
        if high > low {
            label(svg, WIDTH, 74.0, "end", number(high));
        }
    });
}

/// How many values lie in each of the equal parts between the smallest and the largest.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position is within the bins"
)]
fn bins(values: &[f64], low: f64, high: f64) -> [usize; BINS] {
    let mut counts = [0; BINS];
    for value in values {
        counts[((place(*value, low, high) * float(BINS)) as usize).min(BINS - 1)] += 1;
    }
    counts
}

/// Where a value lies between the smallest and the largest, 0 to 1. Halves, so that no difference overflows.
fn place(value: f64, low: f64, high: f64) -> f64 {
    if high > low {
        (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)
    } else {
        0.5
    }
}

/// How often each label was given.
pub(super) fn labels(out: &mut Markup, labels: &[(String, usize)]) {
    let most = labels.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    out.element("ul", &[("class", &"labels")], |list| {
        for (label, count) in labels.iter().take(SHOWN_LABELS) {
            list.element("li", &[], |item| {
                item.leaf("span", &[("class", &"label")], cut(label, LABEL_CHARS));
                meter(item, *count, most);
                item.leaf("span", &[("class", &"count")], count);
            });
        }
    });
    if labels.len() > SHOWN_LABELS {
        let others: usize = labels[SHOWN_LABELS..].iter().map(|(_, count)| count).sum();
        let kinds = plural(labels.len() - SHOWN_LABELS, "other label");
        out.leaf("p", &[("class", &"note")], format_args!("and {others} with {kinds}"));
    }
}

/// A change with its interval, around no change.
pub(super) fn change(out: &mut Markup, metric: &MetricComparison) {
    let show = |value| delta_of(metric.is_rate, value);
    let mut title = format!("change {}", show(metric.delta));
    let (low, high) = match metric.interval {
        Some(interval) => {
            title.push_str(&format!(", 95 %: {} to {}", show(interval.low), show(interval.high)));
            (interval.low, interval.high)
        }
        None => (metric.delta, metric.delta),
    };
    let reach = [low, high, metric.delta].into_iter().map(f64::abs).fold(0.0, f64::max);
    chart(out, &title, WIDTH, 20.0, |svg| {
        let middle = WIDTH / 2.0;
        line(svg, "axis", middle, 0.0, middle, 20.0);
        if reach > 0.0 {
            let at = |value: f64| middle + 0.95 * middle * value / reach;
            whisker(svg, at(low), at(high), 10.0);
            let class = match metric.is_regression() {
                true => "dot worse",
                false => "dot better",
            };
            svg.void(
                "circle",
                &[
                    ("class", &class),
                    ("cx", &fixed(at(metric.delta))),
                    ("cy", &10),
                    ("r", &4),
                ],
            );
        }
    });
}

fn chart(out: &mut Markup, title: &str, width: f64, height: f64, content: impl FnOnce(&mut Markup)) {
    let view = format!("0 0 {width} {height}");
    out.element(
        "svg",
        &[("viewBox", &view), ("role", &"img"), ("class", &"chart")],
        |svg| {
            svg.leaf("title", &[], title);
            content(svg);
        },
    );
}

fn rectangle(svg: &mut Markup, class: &str, x: f64, y: f64, width: f64, height: f64) {
    let [x, y, width, height] = [x, y, width, height].map(fixed);
    svg.void(
        "rect",
        &[
            ("class", &class),
            ("x", &x),
            ("y", &y),
            ("width", &width),
            ("height", &height),
        ],
    );
}

fn line(svg: &mut Markup, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(fixed);
    svg.void(
        "line",
        &[("class", &class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)],
    );
}

fn whisker(svg: &mut Markup, low: f64, high: f64, y: f64) {
    line(svg, "whisker", low, y, high, y);
    line(svg, "whisker", low, y - 4.0, low, y + 4.0);
    line(svg, "whisker", high, y - 4.0, high, y + 4.0);
}

fn label(svg: &mut Markup, x: f64, y: f64, anchor: &str, text: impl Display) {
    svg.leaf(
        "text",
        &[("x", &fixed(x)), ("y", &fixed(y)), ("text-anchor", &anchor)],
        text,
    );
}

/// A coordinate: a tenth of a unit is finer than any screen.
fn fixed(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

/// A count beside the largest one; the number itself stands next to it.
fn meter(out: &mut Markup, value: usize, most: usize) {
    let view = format!("0 0 {WIDTH} 10");
    let attributes: [(&str, &dyn Display); 4] = [
        ("viewBox", &view),
        ("class", &"meter"),
        ("aria-hidden", &"true"),
        ("preserveAspectRatio", &"none"),
    ];
    out.element("svg", &attributes, |svg| {
        rectangle(svg, "bar", 0.0, 0.0, WIDTH * float(value) / float(most), 10.0);
    });
}
