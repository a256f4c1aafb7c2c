//! Layers, mistakes and the reference file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use tempfile::NamedTempFile;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_layers(None, None, pairs.iter().copied())
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

fn in_file(text: &str) -> Result<Config, ConfigError> {
    Config::from_layers(Some(file(text).path()), None, [("", ""); 0])
}

fn mistakes(result: Result<Config, ConfigError>) -> Vec<String> {
    result.unwrap_err().mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_load() {
    let config = Config::default();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.http.request_timeout(), std::time::Duration::from_secs(30));
    assert_eq!(config.database.url.expose(), "sqlite://data/vigil.db");
    assert_eq!(config.datasource.base_url(), "http://localhost:9090");
    assert!(!config.datasource.names_a_peer());
    assert!(config.datasource.url.is_none() && config.redis.url.is_none() && config.admin.password.is_none());
    assert_eq!((config.evaluation.batch_rules, config.delivery.max_attempts), (100, 12));
    assert_eq!(config.log.format, LogFormat::Text);
}

/// `section.field` of every line such as `field = …` (true) or `# field = …` (false).
fn keys_of_the_reference() -> BTreeMap<String, bool> {
    let mut section = "";
    let mut keys = BTreeMap::new();
    for line in layers::DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        }
        let setting = line.strip_prefix("# ").unwrap_or(line);
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if let Some((name, _)) = setting.split_once(" = ").filter(|(name, _)| is_name(name)) {
            assert!(keys.insert(format!("{section}.{name}"), setting == line).is_none(), "{section}.{name} twice");
        }
    }
    keys
}

/// `section.field` of every field of the struct, as its debug output names them.
fn fields_of_the_struct() -> Vec<String> {
    let mut section = String::new();
    let mut fields = Vec::new();
    for line in format!("{:#?}", Config::default()).lines() {
        let (name, indent) = (line.trim_start().split(':').next().unwrap(), line.len() - line.trim_start().len());
        match indent {
            4 if line.ends_with('{') => section = name.to_owned(),
            8 if line.contains(": ") => fields.push(format!("{section}.{name}")),
            _ => {}
        }
    }
    fields.sort();
    fields
}

#[test]
fn default_toml_has_every_key_and_no_other() {
    let reference = keys_of_the_reference();
    let mut reader = Reader::new(Layers::new());
    Config::read_sections(&mut reader);
    let read: BTreeMap<String, bool> =
        reader.known().iter().map(|(key, required)| ((*key).to_owned(), *required)).collect();
    assert_eq!(reference, read, "the file (left: true = active) and what is read (right: true = has a default)");
    assert_eq!(reference.into_keys().collect::<Vec<_>>(), fields_of_the_struct());
}

#[test]
fn later_layers_win() {
    let file = file(
        "[http]\nlisten = '127.0.0.1:1'\nbody_limit_bytes = 2048\n[redis]\nprefix = 'file'\n[live]\nping_seconds = 7",
    );
    let dotenv = "# a comment\nVIGIL_HTTP__LISTEN=127.0.0.1:2\nexport VIGIL_REDIS__PREFIX='dot env'\nOTHER=1\nVIGIL_REDIS__PREFIX=dotenv\n";
    let config = Config::from_layers(Some(file.path()), Some(dotenv), [("VIGIL_HTTP__LISTEN", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.http.listen.port(), 3, "the environment wins");
    assert_eq!(config.redis.prefix, "dotenv", "then .env");
    assert_eq!(config.http.body_limit_bytes, 2048, "then the file");
    assert_eq!(config.live.ping_seconds, 7.0);
    assert_eq!(config.live.max_clients, 20000, "then the default");
    assert!(std::env::var_os("VIGIL_REDIS__PREFIX").is_none(), "the process's environment is not touched");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let file = file(
        "colour = 'red'\nadmin = 3\n[http]\nlisten = 8000\nlissten = 'x'\n[retention]\nevents_days = 0\n[paint]\nred = 1\n",
    );
    let path = file.path().display();
    let dotenv = "VIGIL_AUTH__BCRYPT_COST=20\nVIGIL_AUTH__JWT_SECRET=short\nVIGIL_LOG__LEVEL=verbose\n";
    let environment = [
        ("VIGIL_DELIVERY__SWEEP_SECONDS", "soon"),
        ("VIGIL_DATASOURCE__GZIP", "perhaps"),
        ("VIGIL_HTTP_LISTEN", "127.0.0.1:1"),
        ("VIGIL_DATASOURCE__HEADERS__X", "1"),
        ("VIGIL_ADMIN__PASSWORD", "a long enough password"),
        ("VIGIL_REDIS__PREFIX", ""),
    ];
    let found = mistakes(Config::from_layers(Some(file.path()), Some(dotenv), environment));
    let expected = [
        format!("http.listen (in {path}): must be an address such as 127.0.0.1:8000, not 8000"),
        "redis.prefix (VIGIL_REDIS__PREFIX in the environment): must be a word without spaces, not \"\"".to_owned(),
        "datasource.gzip (VIGIL_DATASOURCE__GZIP in the environment): must be true or false, not \"perhaps\""
            .to_owned(),
        "auth.jwt_secret (VIGIL_AUTH__JWT_SECRET in .env): must be text of at least 32 bytes (for example from \
         `openssl rand -base64 32`)"
            .to_owned(),
        "auth.bcrypt_cost (VIGIL_AUTH__BCRYPT_COST in .env): must be a whole number from 4 to 16, not \"20\""
            .to_owned(),
        "admin.username: must be set together with admin.password".to_owned(),
        "delivery.sweep_seconds (VIGIL_DELIVERY__SWEEP_SECONDS in the environment): must be a number of seconds from \
         0.01 to 3600, not \"soon\""
            .to_owned(),
        format!("retention.events_days (in {path}): must be a whole number from 1 to 36500, not 0"),
        "log.level (VIGIL_LOG__LEVEL in .env): must be error, warn, info, debug, trace, off or a filter such as \
         warn,vigil_worker=debug, not \"verbose\""
            .to_owned(),
        format!("http.lissten (in {path}): is not a key; did you mean http.listen?"),
        format!("paint.red (in {path}): is not a key; remove it (config/default.toml lists all keys)"),
        format!("admin (in {path}): is a section; set the keys in it, such as admin.password"),
        format!("colour (in {path}): is not a key; remove it (config/default.toml lists all keys)"),
        "http_listen (VIGIL_HTTP_LISTEN in the environment): is not a key; did you mean VIGIL_HTTP__LISTEN?".to_owned(),
        "datasource.headers.x (VIGIL_DATASOURCE__HEADERS__X in the environment): is not a key; did you mean \
         VIGIL_DATASOURCE__HEADERS?"
            .to_owned(),
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_error_prints_one_line_for_each_mistake() {
    let error = environment(&[("VIGIL_HTTP__LISTEN", "x"), ("VIGIL_LOG__FORMAT", "xml")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration cannot be used:\n  \
         http.listen (VIGIL_HTTP__LISTEN in the environment): must be an address such as 127.0.0.1:8000, not \"x\"\n  \
         log.format (VIGIL_LOG__FORMAT in the environment): must be text or json, not \"xml\""
    );
}

#[test]
fn secrets_are_printed_nowhere() {
    let config = environment(&[
        ("VIGIL_DATABASE__URL", "postgres://vigil:hunter2@db/vigil"),
        ("VIGIL_REDIS__URL", "redis://:hunter2@cache"),
        ("VIGIL_AUTH__JWT_SECRET", "hunter2-hunter2-hunter2-hunter2-hunter2"),
        ("VIGIL_SECRETS__KEY", "hunter2-hunter2-hunter2-hunter2-hunter2"),
        ("VIGIL_ADMIN__USERNAME", "ada"),
        ("VIGIL_ADMIN__PASSWORD", "hunter2-hunter2"),
        ("VIGIL_DATASOURCE__BEARER_TOKEN", "hunter2"),
        ("VIGIL_DATASOURCE__HEADERS", "X-Scope-OrgID=hunter2"),
    ]);
    let printed = format!("{:#?}", config.unwrap());
    assert!(!printed.contains("hunter2"), "{printed}");

    let wrong = "[database]\nurl = 'mysql://hunter2@db'\n[redis]\nurl = 'hunter2'\n[auth]\njwt_secret = 'hunter2'\n\
        [secrets]\nkey = ['hunter2']\n[admin]\nusername = 'ada'\npassword = 'hunter2'\n[telegram]\napi_url = 'http://a:hunter2@b'\n\
        [datasource]\nurl = 'http://a:hunter2@b'\nbearer_token = 'hunter2 '\nheaders = { 'X Y' = 'hunter2' }\npassword = { hunter2 = 'hunter2' }\n\
        [hunter]\npassword = 'hunter2'\n";
    let error = in_file(wrong).unwrap_err();
    assert_eq!(error.mistakes.len(), 11, "{error}");
    for printed in [error.to_string(), format!("{error:?}")] {
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_located_but_not_quoted() {
    let found = mistakes(in_file("[admin]\nusername = 'ada'\npassword = hunter2\n"));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("TOML parse error at line 3, column 12"), "{found:?}");
}

#[test]
fn a_broken_line_of_dotenv_is_located_but_not_quoted() {
    let dotenv =
        "VIGIL_HTTP__LISTEN=127.0.0.1:2\n\nVIGIL_ADMIN__PASSWORD=hunter2 hunter2\nhunter2\nVIGIL_LIVE__PING_SECONDS=x";
    let found = mistakes(Config::from_layers(None, Some(dotenv), [("", ""); 0]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with(".env (line 3): must be NAME=value"), "{found:?}");
    assert!(found[1].starts_with(".env (line 4): must be NAME=value"), "{found:?}");
    let open = mistakes(Config::from_layers(None, Some("A=1\n\nVIGIL_ADMIN__PASSWORD='hunter2\nB=2\n"), [("", ""); 0]));
    assert!(open.len() == 1 && open[0].starts_with(".env (line 3): must be"), "{open:?}");
    assert!(found[2].starts_with("live.ping_seconds (VIGIL_LIVE__PING_SECONDS in .env)"), "{found:?}");
}

#[test]
fn a_missing_config_file_is_a_mistake_and_a_missing_dotenv_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let found =
        mistakes(Config::from_layers(Some(&dir.path().join("vigil.toml")), None, [("VIGIL_LOG__FORMAT", "xml")]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("vigil.toml): cannot be read: No such file"), "{found:?}");

    let mut layers = Layers::new();
    layers.dotenv_file(&dir.path().join(".env"));
    assert!(layers.mistakes.is_empty());
    layers.dotenv_file(dir.path());
    assert!(layers.mistakes[0].to_string().starts_with(".env: cannot be read"), "{:?}", layers.mistakes);
}

#[test]
fn the_clients_own_variables_are_not_configuration() {
    environment(&[("VIGIL_URL", "http://x"), ("VIGIL_TOKEN", "x"), ("VIGILANTE", "x"), ("PATH", "/bin")]).unwrap();
    Config::from_layers(None, Some("VIGIL_TOKEN=x\nVIGIL_URL=y"), [("", ""); 0]).unwrap();
    assert_eq!(mistakes(environment(&[("VIGIL_URLS", "x")])).len(), 1);
    assert_eq!(mistakes(in_file("url = 'x'")).len(), 1);
}

#[test]
fn an_empty_optional_key_is_unset_even_over_a_lower_layer() {
    let dotenv = "VIGIL_REDIS__URL=redis://cache\nVIGIL_METRICS__LISTEN=127.0.0.1:9\n";
    let config = Config::from_layers(
        None,
        Some(dotenv),
        [("VIGIL_REDIS__URL", ""), ("VIGIL_ADMIN__PASSWORD", ""), ("VIGIL_TELEGRAM__API_URL", " ")],
    )
    .unwrap();
    assert!(config.redis.url.is_none() && config.admin.password.is_none() && config.telegram.api_url.is_none());
    assert_eq!(config.metrics.listen.unwrap().port(), 9);
}

#[test]
fn text_that_looks_like_something_else_stays_text() {
    for password in
        ["012345678901", "1234567890.10", "true         ", "{a=1,b=[2,3]}", "\"quoted text\"", "1e999 1e999 "]
    {
        let config = environment(&[("VIGIL_ADMIN__USERNAME", "42"), ("VIGIL_ADMIN__PASSWORD", password)]).unwrap();
        assert_eq!(config.admin.password.unwrap().expose(), password);
        assert_eq!(config.admin.username.unwrap(), "42");
    }
    let found = mistakes(in_file("[admin]\nusername = 'ada'\npassword = 123456789012\n"));
    assert_eq!(found.len(), 1, "a number in a file might have lost zeros: {found:?}");
    assert!(!found[0].contains("123456789012"), "{found:?}");
}

#[test]
fn lists_and_headers_can_be_written_in_variables_and_in_files() {
    let from_variables = |origins: &str, proxies: &str, headers: &str| {
        environment(&[
            ("VIGIL_HTTP__CORS_ORIGINS", origins),
            ("VIGIL_AUTH__TRUSTED_PROXIES", proxies),
            ("VIGIL_DATASOURCE__HEADERS", headers),
        ])
        .unwrap()
    };
    let toml = "[http]\ncors_origins = ['https://a.example', 'http://b:3000']\n[auth]\ntrusted_proxies = ['10.0.0.1', '::1']\n\
        [datasource.headers]\nX-Scope-OrgID = 'team'\nOther = 'x=1'\n";
    for config in [
        in_file(toml).unwrap(),
        from_variables("https://a.example, http://b:3000", "10.0.0.1,::1", "X-Scope-OrgID=team,Other=x=1"),
        from_variables(
            "[\"https://a.example\",'http://b:3000',]",
            "[10.0.0.1, ::1]",
            "{X-Scope-OrgID=\"team\", Other=x=1}",
        ),
    ] {
        assert_eq!(config.http.cors_origins, ["https://a.example", "http://b:3000"]);
        assert_eq!(
            config.auth.trusted_proxies,
            ["10.0.0.1".parse::<std::net::IpAddr>().unwrap(), "::1".parse().unwrap()]
        );
        let headers: Vec<_> =
            config.datasource.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(headers, [("Other", "x=1"), ("X-Scope-OrgID", "team")]);
    }
    let config = from_variables("", "", "{}");
    assert!(config.http.cors_origins.is_empty() && config.datasource.headers.is_empty());
    for (key, wrong) in [
        ("VIGIL_HTTP__CORS_ORIGINS", "a.example"),
        ("VIGIL_HTTP__CORS_ORIGINS", "https://a.example/"),
        ("VIGIL_AUTH__TRUSTED_PROXIES", "10.0.0.1,proxy"),
        ("VIGIL_DATASOURCE__HEADERS", "X-Scope-OrgID"),
        ("VIGIL_DATASOURCE__HEADERS", "X Scope=team"),
    ] {
        assert_eq!(mistakes(environment(&[(key, wrong)])).len(), 1, "{key}={wrong}");
    }
}

#[test]
fn external_labels_are_a_table_or_pairs() {
    let from_variable = |text: &str| environment(&[("VIGIL_EVALUATION__EXTERNAL_LABELS", text)]);
    for config in [
        in_file("[evaluation.external_labels]\nregion = 'eu'\ncluster = 'a b'\n").unwrap(),
        from_variable("region=eu, cluster=a b").unwrap(),
    ] {
        let labels: Vec<_> = config.evaluation.external_labels.into_iter().collect();
        assert_eq!(labels, [("cluster", "a b"), ("region", "eu")].map(|(name, value)| (name.into(), value.into())));
    }
    assert!(from_variable("").unwrap().evaluation.external_labels.is_empty());
    for wrong in ["region", "9=x", "__name__=x", "a-b=c", "region="] {
        let said = mistakes(from_variable(wrong));
        assert!(said.len() == 1 && said[0].contains("labels such as region=eu"), "{wrong}: {said:?}");
    }
}

#[test]
fn whether_alerts_are_written_may_be_left_open() {
    let written = |result: Result<Config, ConfigError>| result.unwrap().evaluation.write_alerts;
    let variable = |text: &str| environment(&[("VIGIL_EVALUATION__WRITE_ALERTS", text)]);
    assert_eq!(written(Ok(Config::default())), None);
    assert_eq!((written(variable("true")), written(variable(" false "))), (Some(true), Some(false)));
    assert_eq!((written(variable("")), written(in_file("[evaluation]\nwrite_alerts = false\n"))), (None, Some(false)));
    for wrong in ["yes", "1", "TRUE", "auto"] {
        assert_eq!(
            mistakes(variable(wrong)),
            [format!(
                "evaluation.write_alerts (VIGIL_EVALUATION__WRITE_ALERTS in the environment): must be true or false, not {wrong:?}"
            )]
        );
    }
    assert!(mistakes(in_file("[evaluation]\nwrite_alerts = 1\n"))[0].ends_with("must be true or false, not 1"));
    assert!(
        mistakes(in_file("[evaluation]\nwrite_alert = true\n"))[0].ends_with("did you mean evaluation.write_alerts?")
    );
}

#[test]
fn prometheus_is_followed_to_the_letter_only_when_asked_to() {
    let strict = |result: Result<Config, ConfigError>| result.unwrap().evaluation.strict_prometheus;
    assert!(!strict(Ok(Config::default())));
    assert!(strict(environment(&[("VIGIL_EVALUATION__STRICT_PROMETHEUS", "true")])));
    assert!(strict(in_file("[evaluation]\nstrict_prometheus = true\n")));
    assert_eq!(mistakes(environment(&[("VIGIL_EVALUATION__STRICT_PROMETHEUS", "2.42")])).len(), 1);
}

#[test]
fn waits_may_be_fractions() {
    let config = environment(&[("VIGIL_DELIVERY__RETRY_BASE_SECONDS", "0.5")]).unwrap();
    assert_eq!(config.delivery.retry_base(), std::time::Duration::from_millis(500));
    let config = in_file("[delivery]\nsweep_seconds = 0.25\nlease_seconds = 40\n").unwrap();
    assert_eq!(config.delivery.sweep(), std::time::Duration::from_millis(250));
    assert_eq!(config.delivery.lease(), std::time::Duration::from_secs(40));
    for wrong in ["-1", "NaN", "inf", "0", "1e300", ""] {
        assert_eq!(mistakes(environment(&[("VIGIL_DELIVERY__SWEEP_SECONDS", wrong)])).len(), 1, "{wrong}");
    }
}

#[test]
fn keys_that_depend_on_each_other_are_checked_together() {
    for (toml, expected) in [
        ("[admin]\nusername = 'ada'", "admin.password: must be set together with admin.username"),
        ("[datasource]\npassword = 'x'", "): must be set together with datasource.username"),
        ("[datasource]\nbearer_token = 'x'\nusername = 'x'", "use only one of datasource.bearer_token"),
        ("[datasource]\nusername = 'x'\nheaders = { authorization = 'x' }", "use only one of datasource.bearer_token"),
        ("[delivery]\nretry_max_seconds = 5", "must be at least delivery.retry_base_seconds"),
        ("[delivery]\ntimeout_seconds = 30", "must be more than delivery.timeout_seconds"),
        ("[auth]\nrefresh_token_seconds = 60", "must be at least auth.access_token_seconds"),
    ] {
        let found = mistakes(in_file(toml));
        assert!(found.len() == 1 && found[0].contains(expected), "{toml}: {found:?}");
    }
    let found = mistakes(in_file("[delivery]\nretry_max_seconds = 5\nretry_base_seconds = 'x'"));
    assert_eq!(found.len(), 1, "a wrong key is not also compared: {found:?}");
}

#[test]
fn a_variable_that_is_not_utf8_is_a_mistake() {
    let value = OsString::from_vec(b"hunter2\xff".to_vec());
    let found = mistakes(Config::from_layers(None, None, [("VIGIL_ADMIN__PASSWORD", value)]));
    assert_eq!(found, ["admin.password (VIGIL_ADMIN__PASSWORD in the environment): must be valid UTF-8"]);
}

#[test]
fn any_setting_of_a_peer_speaks_of_one() {
    for setting in
        ["url = 'http://p:9090'", "path_prefix = '/p'", "bearer_token = 'x'", "username = 'x'", "headers = { A = 'x' }"]
    {
        assert!(in_file(&format!("[datasource]\n{setting}\n")).unwrap().datasource.names_a_peer(), "{setting}");
    }
    assert!(!in_file("[datasource]\ntimeout_seconds = 5\n").unwrap().datasource.names_a_peer());
}

#[test]
fn urls_lose_their_last_slash() {
    let config =
        in_file("[datasource]\nurl = 'http://p:9090/'\npath_prefix = '/prom/'\n[http]\npublic_url = 'https://v/x/'\n")
            .unwrap();
    assert_eq!(
        (config.datasource.base_url(), config.datasource.path_prefix.as_deref()),
        ("http://p:9090", Some("/prom"))
    );
    assert_eq!(config.http.base_url(), "https://v/x");
    assert_eq!(Config::default().http.base_url(), "http://127.0.0.1:8000");
    let everywhere = environment(&[("VIGIL_HTTP__LISTEN", "[::]:80")]).unwrap();
    assert_eq!(everywhere.http.base_url(), "http://localhost:80");
    for wrong in ["localhost:9090", "http://", "http:///x", "http://a b", "http://a?b", "ftp://a"] {
        assert_eq!(mistakes(environment(&[("VIGIL_DATASOURCE__URL", wrong)])).len(), 1, "{wrong}");
    }
}

#[test]
fn keys_are_kept_beside_the_sqlite_file() {
    for (url, directory) in [
        ("sqlite://data/vigil.db", "data"),
        ("sqlite:///var/lib/vigil/v.db?mode=rwc", "/var/lib/vigil"),
        ("sqlite:v.db", "."),
        ("sqlite::memory:", "data"),
        ("postgres://vigil@db/vigil", "data"),
    ] {
        let config = environment(&[("VIGIL_DATABASE__URL", url)]).unwrap();
        assert_eq!(config.database.directory(), Path::new(directory), "{url}");
        assert_eq!(config.database.is_postgres(), url.starts_with("postgres"), "{url}");
    }
}

#[test]
fn several_machines_need_what_they_share_and_hear_all_of_it_at_once() {
    let missing = |config: &Config, program| match config.check_distributed(program) {
        Ok(()) => Vec::new(),
        Err(error) => error.mistakes.into_iter().map(|mistake| mistake.key).collect(),
    };
    let config = Config::default();
    assert_eq!(missing(&config, Program::Backend), ["database.url", "redis.url", "auth.jwt_secret", "secrets.key"]);
    assert_eq!(missing(&config, Program::Worker), ["database.url", "redis.url", "secrets.key"]);

    let key = "0123456789abcdef0123456789abcdef";
    let config = environment(&[
        ("VIGIL_DATABASE__URL", "postgresql://vigil@db/vigil"),
        ("VIGIL_REDIS__URL", "rediss://cache"),
        ("VIGIL_SECRETS__KEY", key),
    ])
    .unwrap();
    assert_eq!(missing(&config, Program::Worker), [""; 0]);
    assert_eq!(missing(&config, Program::Backend), ["auth.jwt_secret"]);
}
