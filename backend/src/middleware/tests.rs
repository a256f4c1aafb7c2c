use super::*;

#[test]
fn methods_that_clients_make_up_are_one_label() {
    assert_eq!(method_name(&Method::PATCH), "PATCH");
    assert_eq!(method_name(&Method::from_bytes(b"BREW").unwrap()), "OTHER");
}

#[test]
fn a_panic_is_a_problem_without_its_text() {
    let response = answer_panic(Box::new("secret".to_owned()));
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
}
