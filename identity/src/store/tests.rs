//! The store against files that others left, and against time.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;
use crate::environment::Environment;

const TOKEN: &str = "ya29.kept-token";

struct World {
    _home: tempfile::TempDir,
    folder: PathBuf,
    store: Store,
}

fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache/gangplank");
    let store = Store::open(&folder).unwrap();
    World { _home: home, folder, store }
}

fn key(name: &str) -> StoreKey {
    StoreKey::of(b"bridge", &Environment::default(), &[name])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn token(text: &str, expires: i64) -> AccessToken {
    AccessToken { secret: Secret::token(text.to_owned()).unwrap(), expires_at: at(expires) }
}

fn text(found: Found) -> String {
    match found {
        Found::Fresh(token) => format!("fresh {}", token.secret.expose()),
        Found::Aging(token) => format!("aging {}", token.secret.expose()),
        Found::Nothing => "nothing".to_owned(),
        Found::Unfit(StoreError::Unfit { problem, .. }) => format!("unfit {problem:?}"),
        Found::Unfit(error) => panic!("{error}"),
    }
}

#[test]
fn files_are_private_and_hold_what_was_kept() {
    let world = world();
    world.store.keep(&key("a"), &token(TOKEN, 2000), at(1000)).unwrap();
    let file = world.store.path(&key("a"));
    assert_eq!(std::fs::metadata(&world.folder).unwrap().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert_eq!(text(world.store.find(&key("a"), at(1001))), format!("fresh {TOKEN}"));
    assert_eq!(text(world.store.find(&key("b"), at(1001))), "nothing");
    let left: Vec<_> = std::fs::read_dir(&world.folder).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing lies beside it");
}

#[test]
fn a_token_ages_when_a_fifth_of_its_life_is_left() {
    let world = world();
    world.store.keep(&key("a"), &token(TOKEN, 2000), at(1000)).unwrap();
    for (second, expected) in
        [(1799, "fresh "), (1800, "aging "), (1999, "aging "), (2000, "nothing"), (999, "nothing")]
    {
        assert!(text(world.store.find(&key("a"), at(second))).starts_with(expected), "{second}");
    }
}

#[test]
fn what_others_could_have_written_or_read_is_not_used_and_is_replaced() {
    let world = world();
    let file = world.store.path(&key("a"));
    let elsewhere = world.folder.join("elsewhere");
    let spoil: [(&str, &dyn Fn()); 6] = [
        ("Loose", &|| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap()),
        ("Corrupt", &|| std::fs::write(&file, "{").unwrap()),
        ("Corrupt", &|| std::fs::write(&file, "x".repeat(200_000)).unwrap()),
        ("Corrupt", &|| {
            // Another key's file under this name.
            world.store.keep(&key("b"), &token("ya29.other", 2000), at(1000)).unwrap();
            std::fs::copy(world.store.path(&key("b")), &file).unwrap();
        }),
        ("NoFile", &|| {
            std::fs::rename(&file, &elsewhere).unwrap();
            symlink(&elsewhere, &file).unwrap();
        }),
        ("NoFile", &|| {
            std::fs::remove_file(&file).unwrap();
            symlink("/nowhere", &file).unwrap();
        }),
    ];
    for (expected, spoil) in spoil {
        world.store.keep(&key("a"), &token(TOKEN, 2000), at(1000)).unwrap();
        spoil();
        let found = text(world.store.find(&key("a"), at(1001)));
        assert_eq!(found, format!("unfit {expected}"));
        world.store.keep(&key("a"), &token("ya29.anew", 2000), at(1000)).unwrap();
        assert_eq!(text(world.store.find(&key("a"), at(1001))), "fresh ya29.anew");
    }
    let kept = std::fs::read_to_string(&elsewhere).unwrap();
    assert!(kept.contains(TOKEN), "the target of a link is left as it was: {kept}");
}

#[test]
fn a_foreign_owner_is_nobody_we_take_tokens_from() {
    let world = world();
    world.store.keep(&key("a"), &token(TOKEN, 2000), at(1000)).unwrap();
    let stranger = Store { folder: world.folder.clone(), owner: world.store.owner + 1 };
    assert_eq!(text(stranger.find(&key("a"), at(1001))), "unfit Foreign");
}

#[test]
fn a_folder_that_is_a_link_is_refused_and_an_open_one_is_closed() {
    let home = tempfile::tempdir().unwrap();
    let (real, link) = (home.path().join("real"), home.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink(&real, &link).unwrap();
    let refused = Store::open(&link).unwrap_err();
    assert!(matches!(refused, StoreError::Unfit { problem: Unfit::NoFolder, .. }), "{refused}");
    Store::open(&real).unwrap();
    assert_eq!(std::fs::metadata(&real).unwrap().mode() & 0o777, 0o700);
    std::fs::write(home.path().join("file"), "").unwrap();
    assert!(Store::open(&home.path().join("file")).is_err());
}

#[test]
fn what_has_expired_is_swept_out() {
    let world = world();
    world.store.keep(&key("old"), &token("ya29.old", 1500), at(1000)).unwrap();
    world.store.keep(&key("new"), &token("ya29.new", 2500), at(1000)).unwrap();
    std::fs::write(world.folder.join("diary"), "not ours").unwrap();
    world.store.keep(&key("newest"), &token("ya29.newest", 3000), at(1600)).unwrap();
    assert!(!world.store.path(&key("old")).exists());
    assert!(world.store.path(&key("new")).exists() && world.folder.join("diary").exists());
    assert_eq!(world.store.forget().unwrap(), 2);
    assert!(world.folder.join("diary").exists());
    assert_eq!(world.store.forget().unwrap(), 0);
    assert!(!world.store.remove(&key("new")).unwrap());
}

#[test]
fn one_at_a_time_holds_the_lock() {
    let world = world();
    let held = world.store.lock(&key("a")).unwrap();
    let path = std::fs::read_dir(&world.folder).unwrap().next().unwrap().unwrap().path();
    let other = File::options().write(true).open(&path).unwrap();
    assert!(other.try_lock().is_err());
    drop(held);
    other.try_lock().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}
