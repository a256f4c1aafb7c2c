//! First steps on a database of their own.

use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait;
use vigil_domain::{Deviations, id::UserId, server::ServerDraft, starter};

use super::*;

struct Installation {
    db: DatabaseConnection,
    _folder: tempfile::TempDir,
}

fn now() -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000, 0).unwrap()
}

fn machine(name: &str) -> ServerSpec {
    ServerDraft { name: name.to_owned(), instance: Some(name.to_owned()), is_active: true, ..Default::default() }
        .check()
        .unwrap()
}

fn starter_rules() -> Vec<RuleSpec> {
    starter::pack().into_iter().map(|draft| draft.check().unwrap()).collect()
}

impl Installation {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/vigil.db", folder.path().display());
        let db = db::connect(&url, 4).await.unwrap();
        vigil_migration::Migrator::up(&db, None).await.unwrap();
        Self { db, _folder: folder }
    }

    async fn start(&self) -> bool {
        own_machine(&self.db, machine("box"), starter_rules(), now()).await.unwrap()
    }

    async fn rules(&self) -> Vec<rule::Model> {
        rule::Entity::find().all(&self.db).await.unwrap()
    }

    async fn servers(&self) -> Vec<server::Model> {
        server::Entity::find().all(&self.db).await.unwrap()
    }
}

#[tokio::test]
async fn the_first_start_brings_the_machine_and_nine_rules_and_the_second_nothing() {
    let vigil = Installation::new().await;
    assert!(vigil.start().await);
    let rules = vigil.rules().await;
    assert_eq!((rules.len(), vigil.servers().await.len()), (9, 1));
    assert!(rules.iter().all(|rule| rule.owner_id.is_none() && rule.is_active));
    assert!(!vigil.start().await);
    assert_eq!((vigil.rules().await.len(), vigil.servers().await.len()), (9, 1));
}

#[tokio::test]
async fn what_was_removed_stays_away() {
    let vigil = Installation::new().await;
    vigil.start().await;
    let editor = UserId::random();
    for rule in vigil.rules().await {
        rules::delete(&vigil.db, rule.id.into(), None, editor, (now(), Deviations::Kept)).await.unwrap();
    }
    let server = vigil.servers().await[0].id;
    servers::delete(&vigil.db, server.into(), None).await.unwrap();
    assert!(!vigil.start().await);
    assert_eq!((vigil.rules().await.len(), vigil.servers().await.len()), (0, 0));
}

#[tokio::test]
async fn an_installation_in_use_is_left_as_it_is() {
    let vigil = Installation::new().await;
    servers::insert(&vigil.db, machine("web-1"), now()).await.unwrap();
    assert!(!vigil.start().await);
    assert_eq!((vigil.rules().await.len(), vigil.servers().await.len()), (0, 1));
}
