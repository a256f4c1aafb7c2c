use std::{
    fs,
    io::{Seek, SeekFrom, Write},
};

use proptest::prelude::*;
use vigil_samples::{OpenError, Store};

use crate::bed::*;

async fn filled(bed: &Bed) -> Vec<(i64, f64)> {
    let store = bed.open().await;
    let mut expected = Vec::new();
    for n in 0..3_000_i32 {
        bed.set(START + i64::from(n) * 15 * SECOND);
        let value = (f64::from(n) * 1.234_567).sin();
        add(&store, &labels("up", &[]), bed.now(), value);
        expected.push((bed.now(), value));
        if n % 50 == 0 {
            store.flush().await.unwrap();
        }
    }
    store.close().await.unwrap();
    expected
}

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside() {
    let bed = Bed::new();
    fs::create_dir_all(bed.path().parent().unwrap()).unwrap();
    fs::write(bed.path(), vec![b'x'; 10_000]).unwrap();
    let store = bed.open().await;
    let aside = store.health().set_aside.unwrap();
    assert_eq!(fs::read(aside).unwrap(), vec![b'x'; 10_000]);
    add(&store, &labels("up", &[]), START, 1.0);
    store.flush().await.unwrap();
    drop(store);
    assert_eq!(all(&bed.open().await, "up").await, [(START, 1.0)]);
}

#[tokio::test]
async fn an_empty_file_is_a_new_store() {
    let bed = Bed::new();
    fs::create_dir_all(bed.path().parent().unwrap()).unwrap();
    fs::write(bed.path(), b"").unwrap();
    let store = bed.open().await;
    assert_eq!(store.usage().series, 0);
    assert_eq!(store.health().set_aside, None);
}

#[tokio::test]
async fn a_file_cut_short_is_set_aside_or_read_in_part() {
    let bed = Bed::new();
    let expected = filled(&bed).await;
    let whole = fs::read(bed.path()).unwrap();
    for keep in [100, 5_000, 8_192, 20_000, whole.len() / 2, whole.len() - 8_192] {
        let _ = fs::remove_file(bed.path().with_extension("db-wal"));
        fs::write(bed.path(), &whole[..keep]).unwrap();
        let store = bed.open().await;
        let select = vigil_promql::Select {
            matchers: metric("up"),
            after_ms: 0,
            until_ms: i64::MAX,
            wanted: vigil_promql::Wanted::All,
        };
        if let Ok(found) = store.select(&select).await {
            let points = found.iter().flat_map(|series| &series.points).map(|point| (point.at_ms, point.value));
            assert!(points.clone().all(|point| expected.contains(&point)), "cut at {keep}: a wrong value");
        }
        add(&store, &labels("later", &[]), bed.now() + 1, 1.0);
        store.flush().await.unwrap();
        assert_eq!(all(&store, "later").await, [(bed.now() + 1, 1.0)], "cut at {keep}");
        store.close().await.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bytes_changed_anywhere_never_give_a_wrong_value_nor_stop_the_store(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 1_usize..600), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bed = Bed::new();
            let expected = filled(&bed).await;
            let size = fs::metadata(bed.path()).unwrap().len() as usize;
            let mut file = fs::OpenOptions::new().write(true).open(bed.path()).unwrap();
            for (place, byte, length) in &places {
                file.seek(SeekFrom::Start(place.index(size) as u64)).unwrap();
                file.write_all(&vec![*byte; *length]).unwrap();
            }
            drop(file);
            // Two bytes of the header say whose file it is; with another mark it is not ours to rename.
            let store = match Store::open(&bed.path(), bed.options.clone()).await {
                Err(OpenError::NotAStore(_) | OpenError::Newer { .. }) => return,
                opened => opened.unwrap(),
            };
            let select = vigil_promql::Select {
                matchers: metric("up"), after_ms: 0, until_ms: i64::MAX, wanted: vigil_promql::Wanted::All,
            };
            for series in store.select(&select).await.unwrap_or_default() {
                for point in series.points {
                    assert!(expected.contains(&(point.at_ms, point.value)), "{point:?}");
                }
            }
            add(&store, &labels("later", &[]), bed.now() + 1, 1.0);
            store.flush().await.unwrap();
            store.close().await.unwrap();
            drop(store);
            let store = bed.open().await;
            assert_eq!(all(&store, "later").await, [(bed.now() + 1, 1.0)]);
        });
    }
}

#[tokio::test]
async fn a_file_damaged_while_it_is_open_is_replaced_by_what_memory_has() {
    let bed = Bed::new();
    filled(&bed).await;
    let store = bed.open().await;
    add(&store, &labels("new", &[]), bed.now(), 1.0);
    store.flush().await.unwrap();
    // A write of another connection makes the store's one read the pages again; then all but the first are garbage.
    let pool = bed.connect().await;
    sqlx::raw_sql("UPDATE totals SET samples = samples + 1; PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let size = fs::metadata(bed.path()).unwrap().len() as usize;
    let mut file = fs::OpenOptions::new().write(true).open(bed.path()).unwrap();
    file.seek(SeekFrom::Start(8_192)).unwrap();
    file.write_all(&vec![0xaa; size - 8_192]).unwrap();
    add(&store, &labels("new", &[]), bed.now() + 1, 2.0);
    store.flush().await.unwrap();
    assert!(store.health().set_aside.is_some_and(|path| path.exists()));
    store.close().await.unwrap();
    drop(store);
    let store = bed.open().await;
    assert_eq!(all(&store, "new").await, [(bed.now(), 1.0), (bed.now() + 1, 2.0)]);
}

#[tokio::test]
async fn a_path_that_cannot_be_used_is_an_error_that_says_what_to_change() {
    let bed = Bed::new();
    fs::create_dir_all(bed.path()).unwrap();
    let error = Store::open(&bed.path(), bed.options.clone()).await.err().unwrap();
    assert!(matches!(error, OpenError::Path { .. }), "{error:?}");
    assert!(error.to_string().contains("choose another path"), "{error}");
    let below_a_file = bed.path().parent().unwrap().join("file");
    fs::write(&below_a_file, b"").unwrap();
    let error = Store::open(&below_a_file.join("samples.db"), bed.options.clone()).await.err().unwrap();
    assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_in_use_or_of_others_is_left_alone() {
    let bed = Bed::new();
    let store = bed.open().await;
    let second = Store::open(&bed.path(), bed.options.clone()).await;
    assert!(matches!(second, Err(OpenError::InUse(_))));
    store.close().await.unwrap();
    drop(store);
    for (pragma, newer) in [("PRAGMA user_version = 9", true), ("PRAGMA application_id = 7", false)] {
        let pool = bed.connect().await;
        sqlx::query(pragma).execute(&pool).await.unwrap();
        pool.close().await;
        match Store::open(&bed.path(), bed.options.clone()).await {
            Err(OpenError::Newer { version: 9, .. }) => assert!(newer),
            Err(OpenError::NotAStore(_)) => assert!(!newer),
            other => panic!("{:?}", other.err()),
        }
    }
    assert_eq!(bed.others(), [""; 0], "nothing was renamed");
}
