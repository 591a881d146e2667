//! `copy`: an image from one name to another, whole, and nothing taken from anybody.

use crate::harbour::Harbour;

#[test]
fn an_image_is_copied_and_a_taken_tag_is_not_lost() {
    let harbour = Harbour::set_up();
    let mut images = Vec::new();
    for version in ["1", "2"] {
        let packed = harbour.run(&["pack", &format!("breast-cancer:{version}"), "-o", "json"]);
        images.push(packed.expect_code(0).json()["reference"].as_str().unwrap().to_owned());
    }
    let (name, digest) = images[0].split_once('@').unwrap();
    let copy_name = format!("{name}-copy:one");
    let run = harbour.run(&["copy", &images[0], &copy_name, "-o", "json", "-vv"]).expect_code(0);
    assert!(run.stderr.contains("asked to give the manifest"), "-vv tells every request: {}", run.stderr);
    let copied = run.json();
    assert_eq!(copied["digest"], digest);
    assert_eq!(copied["sent"], 0, "blobs of the same repository are there already: {copied}");

    let taken = harbour.run(&["copy", &images[1], &copy_name]).expect_code(1);
    assert!(taken.stderr.contains("--replace") && taken.stderr.contains(digest), "{}", taken.stderr);
    harbour.run(&["copy", &images[1], &copy_name, "--replace"]).expect_code(0);

    let again = harbour.run(&["copy", &format!("{name}:1"), "-o", "json"]).expect_code(0).json();
    assert_eq!(again["digest"], digest, "by default it goes where it is");
}

#[test]
fn what_is_no_image_is_said_before_anybody_is_asked() {
    let harbour = Harbour::new();
    for words in [&["copy", "breast-cancer"][..], &["copy", "host.example/a@sha256:12"][..]] {
        let refused = harbour.run(words).expect_code(2);
        assert!(refused.stderr.contains("is no image name"), "{}", refused.stderr);
    }
    let wide = harbour.run(&["copy", "host.example/a:1", "--window", "0"]).expect_code(2);
    assert!(wide.stderr.contains("from 1 to 64"), "{}", wide.stderr);
}
