//! The pause a server asks for with `Retry-After`: seconds, or a date.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// `None` when the header is missing or is neither; a date that has passed asks for no pause.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Duration> {
        let value = text.parse().ok()?;
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
    }

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of(" 0 "), Some(Duration::ZERO));
        let later = of(&httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60)));
        assert!(
            later.is_some_and(|pause| (58..=60).contains(&pause.as_secs())),
            "{later:?}"
        );
        assert_eq!(
            of("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO),
            "it has passed"
        );
    }

    #[test]
    fn anything_else_is_no_pause() {
        for text in ["", "-1", "1.5", "soon", "99999999999999999999", "Wed, 21 Oct 2015"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
