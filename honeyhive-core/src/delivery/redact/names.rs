//! Which names name a secret. A name is read word by word, so that `openaiApiKey`, `x-api-key` and `OPENAI_API_KEY` are
//! the same, and `max_tokens` or `author` are no secret.

/// The longest word looked at whole; of a longer one the end decides.
const LONGEST: usize = 16;

/// Whether a name, one segment of a key, names a secret.
pub(super) fn is_secret(name: &str) -> bool {
    if !may_name_secret(name) {
        return false;
    }
    let mut words = words(name).peekable();
    let mut before = Word::default();
    let mut first = true;
    while let Some(word) = words.next() {
        if first && words.peek().is_some() && is_question(word.text()) {
            return false;
        }
        let after = words.peek().map(Word::text);
        if is_secret_word(before.text(), word.text(), after) {
            return true;
        }
        (before, first) = (word, false);
    }
    false
}

/// Whether three letters in a row begin a word for a secret; few texts get further.
pub(super) fn may_name_secret(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| {
        let lower = [three[0] | 0x20, three[1] | 0x20, three[2] | 0x20];
        matches!(
            &lower,
            b"aut" | b"bea" | b"coo" | b"cre" | b"jwt" | b"key" | b"pas" | b"pwd" | b"sec" | b"tok"
        )
    })
}

/// Whether a name may have this byte outside of quotes.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Begins a name that says whether there is a secret, not which one: `has_password`.
fn is_question(word: &[u8]) -> bool {
    matches!(
        word,
        b"is" | b"has" | b"needs" | b"requires" | b"require" | b"use" | b"uses" | b"allow"
    )
}

fn is_secret_word(before: &[u8], word: &[u8], after: Option<&[u8]>) -> bool {
    match word {
        b"password" | b"passwords" | b"passwd" | b"pwd" | b"passphrase" | b"passcode" | b"secret" | b"secrets"
        | b"authorization" | b"bearer" | b"credential" | b"credentials" | b"creds" | b"cookie" | b"cookies"
        | b"jwt" => true,
        b"auth" => match after {
            None => true,
            Some(after) => matches!(
                after,
                b"header" | b"headers" | b"key" | b"code" | b"data" | b"info" | b"value" | b"string"
            ),
        },
        b"key" | b"keys" => matches!(
            before,
            b"access"
                | b"account"
                | b"api"
                | b"auth"
                | b"encryption"
                | b"master"
                | b"private"
                | b"session"
                | b"shared"
                | b"signing"
                | b"ssh"
                | b"subscription"
        ),
        b"token" => {
            let of_itself = after
                .is_none_or(|after| matches!(after, b"value" | b"string" | b"header" | b"hash" | b"key" | b"data"));
            of_itself && !is_of_a_model(before)
        }
        b"tokens" => after.is_none() && matches!(before, b"access" | b"auth" | b"bearer" | b"refresh"),
        other => ends_in_secret(other),
    }
}

/// Says that a token is what models count, or a place in a list, and no key.
fn is_of_a_model(word: &[u8]) -> bool {
    matches!(
        word,
        b"bos"
            | b"cached"
            | b"cancellation"
            | b"cls"
            | b"completion"
            | b"continuation"
            | b"cursor"
            | b"end"
            | b"eos"
            | b"first"
            | b"generated"
            | b"input"
            | b"last"
            | b"mask"
            | b"max"
            | b"min"
            | b"new"
            | b"next"
            | b"num"
            | b"output"
            | b"pad"
            | b"page"
            | b"per"
            | b"prompt"
            | b"reasoning"
            | b"sep"
            | b"special"
            | b"start"
            | b"stop"
            | b"total"
            | b"unk"
    )
}

/// Names written without a break: `dbpassword`, `myapikey`.
fn ends_in_secret(word: &[u8]) -> bool {
    const ENDS: [&[u8]; 19] = [
        b"password",
        b"passwd",
        b"passphrase",
        b"secret",
        b"credential",
        b"credentials",
        b"apikey",
        b"apikeys",
        b"accesskey",
        b"authkey",
        b"privatekey",
        b"secretkey",
        b"sessionkey",
        b"accesstoken",
        b"apitoken",
        b"authtoken",
        b"bearertoken",
        b"refreshtoken",
        b"sessiontoken",
    ];
    word.len() >= 6 && (word == b"idtoken" || ENDS.iter().any(|end| word.ends_with(end)))
}

/// A word in lower case, or the end of a long one.
#[derive(Clone, Copy, Default)]
struct Word {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Word {
    fn new(text: &str) -> Self {
        // `password2` is a password.
        let text = text.trim_end_matches(|c: char| c.is_ascii_digit()).as_bytes();
        let text = &text[text.len().saturating_sub(LONGEST)..];
        let mut bytes = [0; LONGEST];
        for (byte, from) in bytes.iter_mut().zip(text) {
            *byte = from.to_ascii_lowercase();
        }
        Self { bytes, len: text.len() }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The words of a name in snake, kebab or camel case. `APIKey` is `API` and `Key`.
fn words(name: &str) -> impl Iterator<Item = Word> {
    let bytes = name.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !is_word(bytes[at]) {
            at += 1;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            let here = bytes[at];
            let begins = here.is_ascii_uppercase()
                && at > start
                && (!bytes[at - 1].is_ascii_uppercase() || bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase));
            if begins {
                break;
            }
            at += 1;
        }
        (at > start).then(|| Word::new(&name[start..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_however_they_are_written() {
        for name in [
            "password",
            "PASSWORD",
            "Password",
            "passwords",
            "password2",
            "passwd",
            "pwd",
            "passphrase",
            "db_password",
            "dbPassword",
            "DBPassword",
            "dbpassword",
            "password_hash",
            "user.password",
            "secret",
            "secrets",
            "client_secret",
            "clientSecret",
            "clientsecret",
            "api_key",
            "apikey",
            "api-key",
            "apiKey",
            "APIKey",
            "APIKEY",
            "openaiApiKey",
            "OPENAI_API_KEY",
            "x-api-key",
            "X-API-Key",
            "api_keys",
            "access_key",
            "aws_access_key_id",
            "private_key",
            "privateKeyPem",
            "secret_key",
            "session_key",
            "signing_key",
            "Ocp-Apim-Subscription-Key",
            "auth",
            "basic_auth",
            "x-auth",
            "auth_header",
            "authorization",
            "Proxy-Authorization",
            "bearer",
            "credential",
            "credentials",
            "awsCredentials",
            "creds",
            "cookie",
            "Set-Cookie",
            "cookies",
            "jwt",
            "token",
            "Token",
            "access_token",
            "accessToken",
            "accesstoken",
            "access_tokens",
            "refresh_token",
            "id_token",
            "idToken",
            "auth_token",
            "authToken",
            "slack_bot_token",
            "csrf-token",
            "X-Amz-Security-Token",
            "token_value",
            "GITHUB_TOKEN",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn counts_limits_and_words_that_only_look_alike_are_no_secrets() {
        for name in [
            "",
            "_",
            "tokens",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "max_tokens",
            "maxTokens",
            "max_completion_tokens",
            "input_tokens",
            "output_tokens",
            "reasoning_tokens",
            "cache_read_input_tokens",
            "cache_write_input_tokens",
            "token_count",
            "tokenCount",
            "token_limit",
            "token_usage",
            "token_type",
            "token_id",
            "token_ids",
            "tokens_per_second",
            "cost_per_token",
            "time_to_first_token_ms",
            "time_to_first_token",
            "stop_token",
            "eos_token",
            "next_token",
            "nextPageToken",
            "max_token",
            "tokenizer",
            "tokenize",
            "tokenized",
            "session_tokens",
            "author",
            "authors",
            "author_name",
            "authority",
            "authored_by",
            "auth_method",
            "authProvider",
            "has_password",
            "isSecret",
            "requires_auth",
            "use_cookies",
            "secretary",
            "passed",
            "pass",
            "pass_rate",
            "passenger",
            "passport",
            "compass",
            "bypass",
            "key",
            "keys",
            "keyword",
            "monkey",
            "primary_key",
            "foreignKey",
            "api",
            "api_version",
            "access",
            "private",
            "session",
            "session_id",
            "session_name",
            "cook",
            "cookbook",
            "credits",
            "accreditation",
            "ключ",
            "query",
            "content",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
