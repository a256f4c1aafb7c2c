use sea_orm::DbErr;

use super::*;

#[test]
fn the_wait_is_told_in_whole_seconds_rounded_up() {
    for (wait, seconds) in
        [(Duration::ZERO, "1"), (Duration::from_millis(1001), "2"), (Duration::from_secs(300), "300")]
    {
        let response = Problem::TooMany { retry_after: wait }.into_response();
        assert_eq!(response.headers()[RETRY_AFTER], seconds);
    }
}

#[test]
fn an_internal_failure_shows_nothing_of_itself() {
    let problem = Problem::from(DbErr::Custom("secret table".to_owned()));
    assert_eq!(problem.status(), 500);
    assert_eq!(problem.to_string(), "something went wrong on our side");
}

#[test]
fn a_database_without_a_free_connection_is_unavailable() {
    let problem = Problem::from(DbErr::ConnectionAcquire(sea_orm::error::ConnAcquireErr::Timeout));
    assert_eq!(problem.status(), 503);
}

#[test]
fn a_query_that_the_source_rejects_is_the_callers_mistake() {
    let rejected = QueryError::Rejected { kind: "bad_data".to_owned(), message: "parse error".to_owned() };
    assert_eq!(Problem::from(rejected).status(), 422);
    assert_eq!(Problem::from(QueryError::Timeout(Duration::from_secs(1))).status(), 504);
    assert_eq!(Problem::from(QueryError::Unreachable("gone".to_owned())).status(), 502);
}
