use super::*;

fn headers(authorization: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
}

#[test]
fn the_scheme_is_read_in_any_case() {
    assert_eq!(bearer(&headers("bEaReR  token ")), Some("token"));
    assert_eq!(bearer(&headers("Basic token")), None);
    assert_eq!(bearer(&headers("Bearer")), None);
}

#[test]
fn of_basic_only_the_password_counts() {
    let pair = STANDARD.encode("anybody:vgl_a:b");
    assert_eq!(basic_password(&headers(&format!("Basic {pair}"))).as_deref(), Some("vgl_a:b"));
    assert_eq!(basic_password(&headers("Basic bm9jb2xvbg==")), None);
}
