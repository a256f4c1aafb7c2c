use super::*;

#[test]
fn the_document_can_be_written_without_a_state() {
    assert!(openapi().to_json().unwrap().contains("/api/v1/auth/login"));
}
