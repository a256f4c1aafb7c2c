//! User names: free text or an e-mail address, the same whatever the case of its letters.
//!
//! Names are kept in lower case, so that the database's unique constraint means what people expect.

/// The most characters of a user name.
pub const LONGEST: usize = 200;

/// The name as it is stored and looked up: trimmed, in lower case.
pub fn fold(username: &str) -> String {
    username.trim().to_lowercase()
}

/// A new user's name as it is stored.
///
/// # Errors
/// A text for the person who chose it.
pub fn parse(username: &str) -> Result<String, String> {
    let name = fold(username);
    if name.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if name.chars().count() > LONGEST {
        return Err(format!("must have at most {LONGEST} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_folded() {
        assert_eq!(parse("  Ünal@Example.COM ").unwrap(), "ünal@example.com");
        assert_eq!(parse("Night Shift").unwrap(), "night shift");
    }

    #[test]
    fn names_have_1_to_200_printable_characters() {
        assert!(parse(" \t ").is_err());
        assert!(parse(&"a".repeat(200)).is_ok());
        assert!(parse(&"a".repeat(201)).is_err());
        assert!(parse("a\0b").is_err());
        assert!(parse("a\nb").is_err());
    }
}
