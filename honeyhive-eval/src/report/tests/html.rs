//! The HTML report is well-formed, holds HTML's rules of nesting, and loads and runs nothing.

use super::junit::{Element, parse};
use super::{HOSTILE, compared, hostile, plain};

/// Elements of HTML that have no end tag.
const VOID: [&str; 3] = ["meta", "br", "hr"];
/// Elements that are SVG, where a tag may end itself.
const SVG: [&str; 6] = ["svg", "title", "rect", "line", "circle", "text"];

fn holds_the_rules(page: &Element) {
    assert_eq!(page.name, "html");
    assert_eq!(page.attributes["lang"], "en");
    for element in page.all() {
        let name = element.name.as_str();
        let children: Vec<&str> = element.children.iter().map(|child| child.name.as_str()).collect();
        let only = |allowed: &[&str]| children.iter().all(|child| allowed.contains(child));
        // What ends itself in XML is an open element in HTML, unless HTML has it so.
        assert_eq!(
            element.is_void,
            VOID.contains(&name) || matches!(name, "rect" | "line" | "circle"),
            "{name}"
        );
        let nested = match name {
            "html" => children == ["head", "body"],
            "table" => children == ["thead", "tbody"],
            "thead" | "tbody" => only(&["tr"]),
            "tr" => only(&["th", "td"]),
            "ul" => only(&["li"]),
            "dl" => only(&["dt", "dd"]),
            "details" => children.iter().position(|child| *child == "summary") == Some(0),
            "p" | "h1" | "h2" | "h3" | "summary" | "pre" | "dt" => only(&["b", "span", "code"]),
            "svg" => only(&SVG),
            "title" | "style" | "text" | "code" | "b" | "span" => children.is_empty(),
            _ => true,
        };
        assert!(nested, "{children:?} in {name}");
        assert!(
            !matches!(
                name,
                "script" | "link" | "img" | "iframe" | "object" | "base" | "a" | "form"
            ),
            "{name}"
        );
        for (attribute, value) in &element.attributes {
            assert!(
                !attribute.starts_with("on") && !matches!(attribute.as_str(), "src" | "href" | "style"),
                "{attribute}={value}"
            );
        }
        if name == "style" {
            assert!(!element.text.contains("url(") && !element.text.contains("@import"));
        }
        if element.attributes.get("role").is_some_and(|role| role == "img") {
            assert_eq!(children.first(), Some(&"title"), "a chart says what it shows");
        }
    }
}

fn text_of(element: &Element) -> String {
    element.all().iter().map(|element| element.text.as_str()).collect()
}

#[test]
fn pages_hold_the_rules_of_html_whatever_they_show() {
    let (now, comparison, gate) = compared();
    let page = parse(&now.report().comparison(&comparison).gate(&gate).to_html());
    holds_the_rules(&page);
    holds_the_rules(&parse(&hostile().1.to_html()));
    holds_the_rules(&parse(&plain().0.to_html()));
    holds_the_rules(&parse(&crate::fixture::run("empty", &[], Vec::new()).to_html()));
    let visible = HOSTILE.replace(['\u{0}', '\u{1b}'], "\u{fffd}");
    // Name of the run, evaluators, labels, warnings, outputs, errors, reasons, conditions.
    assert!(text_of(&page).matches(&visible).count() > 15);
}

#[test]
fn the_page_may_load_nothing() {
    let page = parse(&plain().0.to_html());
    let metas = page.all();
    let policy = metas
        .iter()
        .find(|element| element.attributes.contains_key("http-equiv"))
        .unwrap();
    assert_eq!(
        policy.attributes["content"],
        "default-src 'none'; style-src 'unsafe-inline'"
    );
    assert!(!plain().0.to_html().contains("://"), "no address of anything");
}

#[test]
fn a_long_value_is_cut_and_says_by_how_much() {
    let (mut now, _) = plain();
    now.rows[0].output = Ok("é".repeat(20_000).into());
    let page = now.to_html();
    assert!(page.contains("é…[+20000 bytes]"));
    assert!(page.len() < 60_000, "{}", page.len());
}

#[test]
fn charts_stay_within_their_frame() {
    let (mut now, _) = plain();
    for (index, row) in now.rows.iter_mut().enumerate() {
        row.scores.retain(|(name, _)| name == "length");
        if let Some((_, outcome)) = row.scores.first_mut() {
            let value = if index == 0 { f64::MIN } else { f64::MAX };
            *outcome = Ok(Some(crate::score::Score::new(value)));
        }
    }
    let page = parse(&now.to_html());
    let bars_at = |place: &str| {
        page.all()
            .iter()
            .filter(|bar| bar.attributes.get("x").is_some_and(|x| x == place))
            .count()
    };
    assert_eq!(
        (bars_at("0.5"), bars_at("225.5")),
        (2, 2),
        "lengths and latencies, a bar at either end"
    );
    for element in page.all() {
        for key in ["x", "x1", "x2", "width"] {
            if let ("rect" | "line", Some(value)) = (element.name.as_str(), element.attributes.get(key)) {
                let value: f64 = value.parse().unwrap();
                assert!((0.0..=240.0).contains(&value), "{element:?}");
            }
        }
    }
}
