//! JUnit reports hold the rules of the schema that CI systems validate against (Jenkins' xunit plugin, junit-10.xsd).

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{HOSTILE, compared, hostile, plain};

/// An element, its attributes, and the elements and text inside it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: HashMap<String, String>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
    /// Written as one tag that ends itself.
    pub(super) is_void: bool,
}

impl Element {
    fn of(start: &BytesStart<'_>, is_void: bool) -> Self {
        let attributes = start.attributes().map(|attribute| {
            // Refuses an attribute that is given twice.
            let attribute = attribute.unwrap();
            let key = attribute.key.as_ref().to_owned();
            (
                key,
                attribute
                    .normalized_value(XmlVersion::Implicit1_0)
                    .unwrap()
                    .into_owned(),
            )
        });
        Self {
            attributes: attributes.collect(),
            name: start.name().as_ref().to_owned(),
            is_void,
            ..Self::default()
        }
    }

    pub(super) fn all(&self) -> Vec<&Self> {
        let below = self.children.iter().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }

    fn number(&self, attribute: &str) -> usize {
        self.attributes[attribute].parse().unwrap()
    }
}

/// Parses a document strictly: a tag left open, a wrong end tag or a bad entity is a panic.
pub(super) fn parse(text: &str) -> Element {
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(Element::of(&start, false)),
            Event::Empty(start) => {
                let element = Element::of(&start, true);
                open.last_mut().unwrap().children.push(element);
            }
            Event::End(_) => {
                let done = open.pop().unwrap();
                open.last_mut().unwrap().children.push(done);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let text = quick_xml::escape::unescape(&format!("&{name};")).unwrap().into_owned();
                open.last_mut().unwrap().text.push_str(&text);
            }
            Event::Decl(_) | Event::DocType(_) => {}
            Event::Eof => break,
            other => panic!("{other:?} has no place in a report"),
        }
    }
    assert_eq!(open.len(), 1, "{:?} is left open", open.last());
    let mut roots = open.remove(0).children;
    assert_eq!(roots.len(), 1);
    roots.remove(0)
}

fn holds_the_schema(report: &Element) {
    assert_eq!(report.name, "testsuites");
    for element in report.all() {
        let (attributes, children): (&[&str], &[&str]) = match element.name.as_str() {
            "testsuites" => (&["name", "time", "tests", "failures", "errors"], &["testsuite"]),
            "testsuite" => (
                &["name", "tests", "failures", "errors", "skipped", "time"],
                &["properties", "testcase"],
            ),
            "properties" => (&[], &["property"]),
            "property" => (&["name", "value"], &[]),
            "testcase" => (&["name", "classname", "time"], &["error", "failure", "system-out"]),
            "error" | "failure" => (&["type", "message"], &[]),
            "system-out" => (&[], &[]),
            other => panic!("{other} is no element of JUnit"),
        };
        let mut found: Vec<&str> = element.attributes.keys().map(String::as_str).collect();
        found.sort_unstable();
        let mut expected = attributes.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{}", element.name);
        for child in &element.children {
            assert!(
                children.contains(&child.name.as_str()),
                "{} in {}",
                child.name,
                element.name
            );
        }
        if let Some(time) = element.attributes.get("time") {
            let (seconds, fraction) = time.split_once('.').unwrap();
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            assert!(digits(seconds) && digits(fraction), "{time}");
        }
    }
    for suite in &report.children {
        let cases: Vec<&Element> = suite.children.iter().filter(|child| child.name == "testcase").collect();
        let with = |problem: &str| {
            cases
                .iter()
                .filter(|case| case.children.iter().any(|child| child.name == problem))
                .count()
        };
        assert_eq!(suite.number("tests"), cases.len());
        assert_eq!(suite.number("failures"), with("failure"));
        assert_eq!(suite.number("errors"), with("error"));
        for case in cases {
            let problems = case.children.iter().filter(|child| child.name != "system-out").count();
            assert!(problems <= 1, "{case:?}");
        }
    }
    for total in ["tests", "failures", "errors"] {
        let sum: usize = report.children.iter().map(|suite| suite.number(total)).sum();
        assert_eq!(report.number(total), sum);
    }
}

#[test]
fn junit_holds_the_schema() {
    let (now, comparison, gate) = compared();
    holds_the_schema(&parse(&now.report().comparison(&comparison).gate(&gate).to_junit()));
    holds_the_schema(&parse(&hostile().1.to_junit()));
    holds_the_schema(&parse(&plain().0.to_junit()));
    holds_the_schema(&parse(&crate::fixture::run("empty", &[], Vec::new()).to_junit()));
}

#[test]
fn rows_and_conditions_are_test_cases() {
    let (now, comparison, gate) = compared();
    let report = parse(&now.report().comparison(&comparison).gate(&gate).to_junit());
    let [rows, conditions] = &report.children[..] else {
        panic!("{report:?}")
    };
    // Two flags are false; one function and one evaluator failed.
    assert_eq!(
        (rows.number("tests"), rows.number("failures"), rows.number("errors")),
        (5, 2, 2)
    );
    assert_eq!((conditions.number("tests"), conditions.number("failures")), (3, 2));
    let visible = HOSTILE.replace(['\u{0}', '\u{1b}'], "\u{fffd}");
    let case = |index: usize| {
        rows.children
            .iter()
            .filter(|child| child.name == "testcase")
            .nth(index)
            .unwrap()
    };
    assert_eq!(case(0).attributes["name"], "0 d0 what is 0?");
    assert_eq!(case(0).attributes["time"], "0.100");
    let failure = &case(1).children[0];
    assert!(failure.attributes["message"].starts_with("1 of 3 evaluators did not pass: flags"));
    assert!(failure.text.contains(&visible), "{}", failure.text);
    let error = &case(3).children[0];
    assert_eq!(
        (error.name.as_str(), error.attributes["type"].as_str()),
        ("error", "Refused")
    );
    assert_eq!(error.attributes["message"], visible);
    assert_eq!(case(4).children[0].attributes["type"], "EvaluatorError");
}
