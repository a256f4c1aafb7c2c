//! The product from outside, in both modes: each story runs on SQLite with the in-process queue, and on PostgreSQL with
//! Redis.

/// Declares two tests of a story, an asynchronous function of a mode.
macro_rules! in_both_modes {
    ($story:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn embedded() {
            $story(vigil_tests::app::Mode::Embedded).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn distributed() {
            $story(vigil_tests::app::Mode::Distributed).await;
        }
    };
}

/// Declares stories: each becomes a test per mode.
macro_rules! stories {
    ($($(#[$doc:meta])* async fn $name:ident($app:ident) $body:block)+) => {
        $(mod $name {
            use super::*;

            $(#[$doc])*
            async fn story(mode: vigil_tests::app::Mode) {
                let $app = vigil_tests::app::TestApp::spawn(mode).await;
                $body
            }

            in_both_modes!(story);
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
