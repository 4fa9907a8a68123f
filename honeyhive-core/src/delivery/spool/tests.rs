use std::fs;
use std::time::Duration;

use super::*;

/// A directory that is gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        Self(std::env::temp_dir().join(Uuid::new_v4().to_string()))
    }

    fn spool(&self, max_bytes: u64) -> Spool {
        Spool {
            directory: self.0.clone(),
            settings: SpoolSettings {
                directory: self.0.clone(),
                max_bytes,
                max_age: Duration::from_secs(60),
            },
            files: BTreeSet::new(),
            deferred: BTreeSet::new(),
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn filled(max_bytes: u64) -> (Directory, Spool) {
    let directory = Directory::new();
    fs::create_dir_all(&directory.0).unwrap();
    let mut spool = directory.spool(max_bytes);
    for (items, body) in [(1, "one"), (2, "two"), (3, "three")] {
        assert!(spool.write(Kind::Spans, items, body.as_bytes()).unwrap().is_empty());
    }
    spool.commit().unwrap();
    (directory, spool)
}

#[test]
fn what_was_written_is_read_in_order_once_and_then_gone() {
    let (directory, _) = filled(1 << 20);
    let (mut first, mut second) = (directory.spool(0), directory.spool(0));
    first.look().unwrap();
    second.look().unwrap();
    let mut given_up = Vec::new();
    let one = first.claim(&mut given_up).unwrap();
    assert_eq!((one.items, &one.body[..]), (1, &b"one"[..]));
    let two = second.claim(&mut given_up).unwrap();
    assert_eq!(two.items, 2, "another process has the first");
    first.remove(&one);
    drop(one);
    second.remove(&two);
    drop(two);
    assert_eq!(first.claim(&mut given_up).unwrap().items, 3);
    assert_eq!(second.claim(&mut given_up).unwrap().items, 3, "nobody has it any more");
    assert_eq!((directory.names().len(), given_up.len()), (1, 0));
}

#[test]
fn the_oldest_make_room_and_what_they_held_is_told() {
    let (directory, mut spool) = filled(120);
    let held = spool.lock(spool.files.first().unwrap()).unwrap();
    let given_up = spool.write(Kind::Updates, 5, &[b'x'; 40]).unwrap();
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].items, 2, "the oldest is being sent");
    assert_eq!(directory.names().len(), 3);
    drop(held);
    let before = directory.names();
    assert!(spool.write(Kind::Spans, 1, &[b'x'; 200]).is_err(), "it never fits");
    assert_eq!(directory.names(), before, "and costs nothing that does");
}

#[test]
fn processes_that_make_room_at_the_same_time_can_all_write() {
    let (directory, _) = filled(1 << 20);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut spool = directory.spool(2_000);
                for _ in 0..100 {
                    spool.write(Kind::Spans, 1, &[b'x'; 300]).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_directory_that_somebody_has_cleaned_away_is_made_again() {
    let (directory, mut spool) = filled(1 << 20);
    fs::remove_dir_all(&directory.0).unwrap();
    spool.write(Kind::Spans, 1, b"four").unwrap();
    assert_eq!(directory.names().len(), 1);
}

#[test]
fn a_file_of_another_time_is_no_surprise() {
    assert!(Name::parse(&format!("{}-1-x.spans.1.spool", u64::MAX)).is_none_or(|name| name.age().is_zero()));
}

#[test]
fn damaged_files_are_set_aside_and_old_ones_removed() {
    let (directory, mut spool) = filled(1 << 20);
    let names: Vec<Name> = spool.files.iter().cloned().collect();
    let path = spool.path(&names[0]);
    let mut text = fs::read(&path).unwrap();
    text.pop();
    fs::write(&path, text).unwrap();
    let old = directory.0.join(format!(
        "00000000000001-{}",
        names[1].to_string().split_once('-').unwrap().1
    ));
    fs::rename(spool.path(&names[1]), old).unwrap();
    fs::write(directory.0.join("half.draft"), "torn").unwrap();
    let forgotten = File::create(directory.0.join("old.torn")).unwrap();
    forgotten.set_modified(std::time::UNIX_EPOCH).unwrap();
    spool.files.clear();
    spool.look().unwrap();
    let mut given_up = Vec::new();
    assert_eq!(spool.claim(&mut given_up).unwrap().items, 3);
    let told: Vec<usize> = given_up.iter().map(|given_up| given_up.items).collect();
    assert_eq!(told, [2, 1], "the old one, then the damaged one");
    let torn = directory.names().iter().filter(|name| name.ends_with(".torn")).count();
    assert_eq!(torn, 2, "{:?}", directory.names());
}
