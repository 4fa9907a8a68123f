//! Precedence, shapes and messages of the settings.
#![allow(clippy::unwrap_used)]

use super::*;

fn resolve(given: Given, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let lookup = |name: &str| variables.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned());
    Config::resolve(given, &lookup)
}

fn with_key() -> Given {
    Given {
        api_key: Some("hh_secret_value".into()),
        ..Given::default()
    }
}

#[test]
fn builder_wins_over_environment_and_environment_over_default() {
    let variables = [
        ("HH_API_KEY", "hh_env"),
        ("HH_SOURCE", "env"),
        ("HH_API_URL", "http://env.test"),
    ];
    let config = resolve(
        Given {
            source: Some("mine".into()),
            ..Given::default()
        },
        &variables,
    )
    .unwrap();
    assert_eq!(&*config.source, "mine");
    assert_eq!(config.server_url.as_str(), "http://env.test/");
    assert_eq!(&*resolve(with_key(), &[]).unwrap().source, "dev");
    assert_eq!(
        resolve(with_key(), &[]).unwrap().server_url.as_str(),
        "https://api.dp1.us.honeyhive.ai/"
    );
}

#[test]
fn blank_values_count_as_unset_and_values_are_trimmed() {
    let given = Given {
        api_key: Some("  ".into()),
        ..Given::default()
    };
    let config = resolve(given, &[("HH_API_KEY", " hh_env "), ("HH_PROJECT", "")]).unwrap();
    assert_eq!(config.project_key.unwrap().expose(), "hh_env");
    assert_eq!(config.project, None);
}

#[test]
fn a_missing_key_names_the_variable_to_set() {
    let error = resolve(Given::default(), &[]).unwrap_err();
    assert!(error.to_string().contains("HH_API_KEY"), "{error}");
}

#[test]
fn the_ingestion_key_is_preferred_for_ingestion() {
    let ingestion = format!("hh_ingst_{}_{}", "a".repeat(24), "B-_".repeat(21) + "9");
    let config = resolve(with_key(), &[("HH_INGESTION_API_KEY", &ingestion)]).unwrap();
    assert_eq!(config.key_for_ingestion().unwrap().expose(), ingestion);
}

#[test]
fn malformed_keys_are_errors_that_never_show_the_value() {
    let cases = [
        ("HH_INGESTION_API_KEY", "hh_ingst_sEcReT", "not a complete"),
        ("HH_INGESTION_API_KEY", "hh_sEcReT", "another kind"),
        ("HH_INGESTION_API_KEY", "sEcReT", "not a HoneyHive key"),
        ("HH_API_KEY", "hh_ingst_sEcReT", "ingestion key"),
        ("HH_API_KEY", "hh_fgdp_sEcReT", "data plane key"),
        ("HH_API_KEY", "hh_sE cReT", "space"),
    ];
    for (variable, value, expected) in cases {
        let error = resolve(Given::default(), &[(variable, value)]).unwrap_err();
        let message = format!("{error} {error:?}");
        assert!(message.contains(variable) && message.contains(expected), "{message}");
        assert!(!message.contains("cReT"), "{message}");
    }
}

#[test]
fn unusable_urls_are_errors_that_show_no_credentials() {
    for url in [
        "ftp://host",
        "not a url",
        "https://me:pw@host",
        "https://host/?a=pw",
        "https://me:pw@:x",
        "admin:pw@host",
        "host:443/?token=pw",
        "https://ho st/?key=pw",
        "hh_pw",
    ] {
        let given = Given {
            server_url: Some(url.into()),
            ..with_key()
        };
        let message = resolve(given, &[]).unwrap_err().to_string();
        assert!(
            message.starts_with("server_url:") && !message.contains("pw"),
            "{message}"
        );
    }
}

#[test]
fn a_session_id_must_be_a_uuid_and_is_lower_cased() {
    let given = Given {
        session_id: Some("user-42".into()),
        ..with_key()
    };
    let message = resolve(given, &[]).unwrap_err().to_string();
    assert!(message.contains("\"user-42\"") && message.contains("UUID"), "{message}");
    let given = Given {
        session_id: Some("A0000000-0000-4000-8000-00000000000B".into()),
        ..with_key()
    };
    let id = resolve(given, &[]).unwrap().session_id.unwrap();
    assert_eq!(id.to_string(), "a0000000-0000-4000-8000-00000000000b");
}

#[test]
fn a_resolved_configuration_never_shows_its_keys() {
    let config = resolve(with_key(), &[]).unwrap();
    assert!(!format!("{config:?}").contains("secret_value"));
}
