//! Precedence, shapes and messages of the settings.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::HoneyHiveTracer;

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
    let error = resolve(Given::default(), &[])
        .and_then(Config::for_tracing)
        .unwrap_err();
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

#[test]
fn older_names_of_a_variable_are_read_after_the_present_one() {
    let variables = [
        ("HONEYHIVE_API_KEY", "hh_old"),
        ("HONEYHIVE_SERVER_URL", "http://older.test"),
        ("HH_SERVER_URL", "http://oldest.test"),
    ];
    let config = resolve(Given::default(), &variables).unwrap();
    assert_eq!(config.project_key.unwrap().expose(), "hh_old");
    assert_eq!(config.server_url.as_str(), "http://older.test/");
    let of_other_tools = [
        variables[0],
        variables[1],
        ("HH_PROJECT_API_KEY", "hh_cli"),
        ("HH_DATA_PLANE_URL", "http://cli.test"),
    ];
    let config = resolve(Given::default(), &of_other_tools).unwrap();
    assert_eq!(config.project_key.unwrap().expose(), "hh_cli");
    assert_eq!(config.server_url.as_str(), "http://cli.test/");
    let both = [
        of_other_tools[2],
        of_other_tools[3],
        variables[0],
        variables[1],
        ("HH_API_KEY", "hh_new"),
        ("HH_API_URL", "http://new.test"),
    ];
    let config = resolve(Given::default(), &both).unwrap();
    assert_eq!(config.project_key.unwrap().expose(), "hh_new");
    assert_eq!(config.server_url.as_str(), "http://new.test/");
}

#[test]
fn every_variable_reaches_its_setting() {
    let variables = [
        ("HH_API_KEY", "hh_x"),
        ("HH_SESSION_ID", "a0000000-0000-4000-8000-00000000000b"),
        ("HH_RUN_ID", "run"),
        ("HH_DATASET_ID", "dataset"),
        ("HH_DATAPOINT_ID", "datapoint"),
        ("HH_SERVICE_NAME", "service"),
        ("HH_SERVICE_VERSION", "1.2.3"),
        ("HH_OTLP_ENABLED", "off"),
        ("HH_OTLP_ENDPOINT", "http://collector.test:4318/v1/traces"),
        ("HH_OTLP_HEADERS", r#"{"x-tenant": "t-1"}"#),
        ("HH_OTLP_PROTOCOL", "http/json"),
        ("HH_BATCH_SIZE", "7"),
        ("HH_MAX_EXPORT_BATCH_SIZE", "64"),
        ("HH_FLUSH_INTERVAL", "2.5"),
        ("HH_EXPORT_TIMEOUT", "12"),
        ("HH_TIMEOUT", "3"),
        ("HH_MAX_RETRIES", "0"),
        ("HH_MAX_CONNECTIONS", "4"),
        ("HH_HTTP_PROXY", "http://proxy.test:3128"),
        ("HH_HTTPS_PROXY", "http://proxy.test:3129"),
        ("HH_NO_PROXY", "internal.test"),
        ("HH_VERIFY_SSL", "no"),
        ("HH_VERBOSE", "1"),
        ("HH_SAMPLE_RATE", "0.5"),
        ("HH_MAX_ATTRIBUTES", "64"),
        ("HH_MAX_EVENTS", "5"),
        ("HH_MAX_LINKS", "6"),
        ("HH_MAX_SPAN_SIZE", "100000"),
        ("HH_MAX_VALUE_SIZE", "1000"),
        ("HH_REDACT_SECRETS", "false"),
        (
            "HH_SPAN_NAME_FILTERS",
            r#"{"include": [{"type": "prefix", "value": "keep"}], "exclude": [{"type": "prefix", "value": "keep.not"}]}"#,
        ),
        (
            "HH_SCOPE_FILTERS",
            r#"{"exclude": [{"type": "prefix", "value": "noisy"}]}"#,
        ),
        ("HH_EXPERIMENT_ID", "e-1"),
        ("HH_EXPERIMENT_METADATA", r#"{"seed": 7}"#),
    ];
    let config = resolve(Given::default(), &variables).unwrap();
    let ids: Vec<&str> = config.experiment.attributes().map(|(_, id)| &**id).collect();
    assert_eq!(ids, ["run", "dataset", "datapoint"]);
    assert_eq!(config.service_name.as_deref(), Some("service"));
    assert_eq!(config.service_version.as_deref(), Some("1.2.3"));
    assert_eq!(
        config.session_id.unwrap().to_string(),
        "a0000000-0000-4000-8000-00000000000b"
    );
    let export = &config.export;
    assert!(!export.enabled && !export.verify_ssl && export.verbose);
    assert_eq!(
        export.endpoint.as_ref().unwrap().as_str(),
        "http://collector.test:4318/v1/traces"
    );
    assert_eq!(export.headers["x-tenant"], "t-1");
    assert_eq!(export.protocol, OtlpProtocol::HttpJson);
    assert_eq!((export.batch_size, export.max_batch), (7, 64));
    let seconds = [export.flush_interval, export.export_timeout, export.timeout].map(|time| time.as_secs_f64());
    assert_eq!(seconds, [2.5, 12.0, 3.0]);
    assert_eq!((export.max_retries, export.max_connections), (0, 4));
    assert_eq!(export.http_proxy.as_ref().unwrap().0.port(), Some(3128));
    assert_eq!(export.https_proxy.as_ref().unwrap().0.port(), Some(3129));
    assert_eq!(export.no_proxy.as_deref(), Some("internal.test"));
    let content = &config.content;
    assert!((content.sample_rate - 0.5).abs() < f64::EPSILON && !content.redaction.defaults);
    let limits = content.limits;
    assert_eq!((limits.attributes, limits.events, limits.links), (64, 5, 6));
    assert_eq!((limits.span_bytes, limits.value_bytes), (100_000, 1_000));
    let kept = |name| content.filter.spans.keeps(name);
    assert!(kept("keep.this") && !kept("keep.not.this") && !kept("other"));
    assert!(content.filter.scopes.keeps("quiet") && !content.filter.scopes.keeps("noisy.cache"));
    let pairs: Vec<(&str, &str)> = content.attributes.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(
        pairs,
        [
            ("honeyhive.experiment_id", "e-1"),
            ("honeyhive.experiment_metadata.seed", "7")
        ]
    );
    let unbatched = resolve(
        Given::default(),
        &[("HH_API_KEY", "hh_x"), ("HH_DISABLE_BATCH", "TRUE")],
    )
    .unwrap();
    assert_eq!(
        (unbatched.export.batch_size, unbatched.export.flush_interval.as_nanos()),
        (1, 0)
    );
}

#[test]
fn what_waits_what_is_kept_and_what_is_sent_have_bounds_that_can_be_set() {
    let defaults = resolve(with_key(), &[]).unwrap();
    let export = &defaults.export;
    assert_eq!((export.max_queue, export.max_queue_bytes), (16_384, 64 << 20));
    assert_eq!((export.max_batch_bytes, export.drain_timeout.as_secs()), (4 << 20, 5));
    assert!(defaults.spool.is_none());
    let variables = [
        ("HH_MAX_QUEUE_SIZE", "100000"),
        ("HH_MAX_QUEUE_BYTES", "1000000"),
        ("HH_MAX_EXPORT_BATCH_BYTES", "65536"),
        ("HH_OTLP_COMPRESSION", "gzip"),
        ("HH_DRAIN_TIMEOUT", "1.5"),
        ("HH_SPOOL_DIR", "/var/spool/honeyhive"),
        ("HH_SPOOL_MAX_BYTES", "70000"),
        ("HH_SPOOL_MAX_AGE", "60"),
    ];
    let config = resolve(with_key(), &variables).unwrap();
    let export = &config.export;
    assert_eq!((export.max_queue, export.max_queue_bytes), (100_000, 1_000_000));
    assert_eq!(
        (export.max_batch_bytes, export.drain_timeout.as_millis()),
        (65_536, 1_500)
    );
    assert_eq!(export.compression, OtlpCompression::Gzip);
    let spool = config.spool.unwrap();
    assert_eq!(spool.directory, std::path::Path::new("/var/spool/honeyhive"));
    assert_eq!((spool.max_bytes, spool.max_age.as_secs()), (70_000, 60));
}

#[test]
fn a_value_that_cannot_be_is_an_error_with_variable_value_and_rule() {
    for (variable, value, rule) in [
        ("HH_DISABLE_BATCH", "maybe", "use true or false"),
        ("HH_MAX_QUEUE_SIZE", "0", "from 1 to 10000000"),
        ("HH_MAX_QUEUE_BYTES", "1", "from 65536 to"),
        ("HH_OTLP_COMPRESSION", "zstd", "use gzip or none"),
        ("HH_DRAIN_TIMEOUT", "-1", "of seconds from 0 to 3600"),
        ("HH_SPOOL_MAX_BYTES", "1", "from 65536 to"),
        ("HH_CA_FILE", "/no/such/file.pem", "cannot be read"),
        ("HH_TEST_MODE", "2", "use true or false"),
        ("HH_BATCH_SIZE", "0", "from 1 to 16384"),
        ("HH_MAX_ATTRIBUTES", "abc", "from 1 to 10000"),
        ("HH_FLUSH_INTERVAL", "-1", "of seconds from 0 to 86400"),
        ("HH_EXPORT_TIMEOUT", "NaN", "of seconds from 0.001 to 86400"),
        ("HH_MAX_RETRIES", "1.5", "from 0 to 100"),
        ("HH_SAMPLE_RATE", "50", "from 0 to 1"),
        ("HH_OTLP_PROTOCOL", "grpc", "use http/protobuf or http/json"),
        ("HH_OTLP_ENDPOINT", "collector:4318", "http:// or https://"),
        ("HH_API_URL", "api.example.com", "http:// or https://"),
        ("HH_SPAN_NAME_FILTERS", "chat", "is no filter such as"),
        (
            "HH_SCOPE_FILTERS",
            r#"{"include": [{"type": "regex", "value": "x"}]}"#,
            "regex",
        ),
        ("HH_SESSION_ID", "user-42", "UUID"),
    ] {
        let error = resolve(with_key(), &[(variable, value)]).unwrap_err().to_string();
        assert!(error.starts_with(variable) && error.contains(rule), "{error}");
        let shown = value.replace('"', "\\\"");
        assert!(error.contains(&shown), "{error}");
    }
    let given = HoneyHiveTracer::builder()
        .environment([("HH_API_KEY", "hh_x")])
        .batch_size(0);
    let error = given.build().unwrap_err().to_string();
    assert!(error.starts_with("batch_size: \"0\""), "{error}");
}

#[test]
fn headers_and_metadata_are_never_shown() {
    for (variable, value) in [
        ("HH_OTLP_HEADERS", "authorization=Bearer sEcReT"),
        ("HH_OTLP_HEADERS", r#"{"bad name": "sEcReT"}"#),
        ("HH_OTLP_HEADERS", r#"{"name": "sEc\nReT sEcReT"}"#),
        ("HH_EXPERIMENT_METADATA", "[\"sEcReT\"]"),
        ("HH_INPUTS", "sEcReT"),
    ] {
        let error = resolve(with_key(), &[(variable, value)]).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(variable) && !text.contains("sEcReT"), "{text}");
    }
    let config = resolve(with_key(), &[("HH_OTLP_HEADERS", r#"{"authorization": "sEcReT"}"#)]).unwrap();
    assert!(!format!("{config:?}").contains("sEcReT"));
    let proxied = [("HH_HTTPS_PROXY", "http://me:sEcReT@proxy.test:3128")];
    let config = resolve(with_key(), &proxied).unwrap();
    assert!(!format!("{config:?}").contains("sEcReT"));
    let error = resolve(with_key(), &[("HH_HTTP_PROXY", "me:sEcReT@proxy")]).unwrap_err();
    assert!(!error.to_string().contains("sEcReT"), "{error}");
}

#[test]
fn variables_of_other_sdks_and_of_the_program_around_are_not_read() {
    let foreign = [
        "RUN_ID",
        "DATASET_ID",
        "DATAPOINT_ID",
        "SESSION_ID",
        "SESSION_NAME",
        "INPUTS",
        "LINK_CARRIER",
        "IS_EVALUATION",
        "SPAN_NAME_FILTERS",
        "EXPERIMENT_ID",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_SDK_DISABLED",
    ];
    let lookup = |name: &str| {
        assert!(!foreign.contains(&name), "{name} is read");
        (name == "HH_API_KEY").then(|| "hh_x".to_owned())
    };
    Config::resolve(Given::default(), &lookup).unwrap();
}

#[test]
fn a_blank_prefix_of_a_filter_counts_as_not_given() {
    let blank = r#"{"include": [{"type": "prefix", "value": " "}], "exclude": [{"type": "prefix", "value": ""}]}"#;
    let config = resolve(with_key(), &[("HH_SPAN_NAME_FILTERS", blank)]).unwrap();
    assert!(config.content.filter.spans.keeps("any"));
    let builder = HoneyHiveTracer::builder().exclude_spans("").include_spans(" ");
    let config = resolve(builder.api_key("hh_x").given, &[]).unwrap();
    assert!(config.content.filter.spans.keeps("any"));
}
