//! The product from outside, in both modes: each story runs on SQLite with the in-process queue, and on PostgreSQL with
//! Redis.

/// Declares stories: each becomes a test per mode.
macro_rules! stories {
    ($($(#[$doc:meta])* async fn $name:ident($app:ident) $body:block)+) => {
        $(mod $name {
            use super::*;

            $(#[$doc])*
            async fn story($app: vigil_tests::app::TestApp) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                story(vigil_tests::app::TestApp::spawn(vigil_tests::app::Mode::Embedded).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn distributed() {
                story(vigil_tests::app::TestApp::spawn(vigil_tests::app::Mode::Distributed).await).await;
            }
        })+
    };
}

mod alerting;
mod alertmanager;
mod authorisation;
mod clients;
mod delivery;
mod editing;
mod rule_files;
mod shadow;
mod templates;
