//! Tables over references and what a workspace has.

use std::collections::BTreeMap;

use super::*;
use crate::manifest::fixture::now;
use crate::port::{ByteStream, ModelFile, PortResult};

/// A workspace: model → versions, each with created second and tags.
struct Workspace(BTreeMap<String, Vec<ModelVersion>>);

impl ModelSource for Workspace {
    async fn models(&self) -> PortResult<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    async fn versions(&self, model: &str) -> PortResult<Vec<ModelVersion>> {
        self.0.get(model).cloned().ok_or_else(not_found)
    }

    async fn version(&self, model: &str, version: &str) -> PortResult<ModelVersion> {
        let versions = self.versions(model).await?;
        versions.into_iter().find(|it| it.version == version).ok_or_else(not_found)
    }

    async fn files(&self, _: &ModelVersion) -> PortResult<Vec<ModelFile>> {
        Err(not_found())
    }

    async fn read(&self, _: &ModelFile, _: std::ops::Range<u64>) -> PortResult<ByteStream> {
        Err(not_found())
    }
}

fn not_found() -> PortError {
    PortError {
        service: "Azure ML",
        kind: Refused::NotFound,
        status: Some(404),
        code: None,
        message: "not found".to_owned(),
        retry_after: None,
    }
}

/// A version, the second it was registered in, its tags.
type Row<'a> = (&'a str, i64, &'a [(&'a str, &'a str)]);

fn versions(list: &[Row<'_>]) -> Vec<ModelVersion> {
    list.iter()
        .map(|(version, created, tags)| ModelVersion {
            version: (*version).to_owned(),
            created: Some(jiff::Timestamp::from_second(*created).unwrap()),
            tags: tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect(),
            ..crate::manifest::fixture::version()
        })
        .collect()
}

fn outcome(model: &str, version: VersionRef) -> String {
    let workspace = Workspace(BTreeMap::from([
        (
            "Wine_a".to_owned(),
            versions(&[("9", 3, &[("s", "p")]), ("10", 2, &[("s", "p")]), ("11", 1, &[("s", "t")])]),
        ),
        ("Wine_b".to_owned(), versions(&[("2026.1", 5, &[]), ("beta", 9, &[]), ("7", 7, &[])])),
        ("Wine_empty".to_owned(), Vec::new()),
        ("other".to_owned(), versions(&[("1", 1, &[])])),
    ]));
    let reference = ModelRef::in_workspace(model, version);
    let team = crate::manifest::fixture::team();
    now(resolve(&reference, &team, &workspace)).map_or_else(|error| error.to_string(), |it| it.version)
}

#[test]
fn table() {
    let exact = |version: &str| VersionRef::Exact(version.to_owned());
    let tagged = |value: &str| VersionRef::Tagged { tag: "s".to_owned(), value: value.to_owned() };
    let models = "`Wine_a`, `Wine_b`, `Wine_empty`, `other`";
    let rows = [
        ("Wine_a", VersionRef::Latest, "11".to_owned()),
        ("Wine_b", VersionRef::Latest, "beta".to_owned()),
        ("Wine_a", exact("9"), "9".to_owned()),
        ("Wine_a", tagged("p"), "10".to_owned()),
        (
            "Wine_a",
            exact("12"),
            "model `Wine_a` has no version `12`; versions of `Wine_a`: `9`, `10`, `11`".to_owned(),
        ),
        (
            "Wine_a",
            tagged("x"),
            "no version of model `Wine_a` has the tag `s=x`; tags of `Wine_a`: `9: s=p`, `10: s=p`, `11: s=t`".to_owned(),
        ),
        ("Wine_c", VersionRef::Latest, format!("no model `Wine_c` in the workspace; models there: {models}")),
        ("Wine_c", exact("1"), format!("no model `Wine_c` in the workspace; models there: {models}")),
        (
            "Wine_empty",
            VersionRef::Latest,
            format!("no model `Wine_empty` in the workspace; models there: {models}"),
        ),
        (
            "other",
            VersionRef::Latest,
            "team `cellar` may not serve model `other`; it may serve: `Wine_*`".to_owned(),
        ),
    ];
    for (model, version, expected) in rows {
        assert_eq!(outcome(model, version.clone()), expected, "{model} {version:?}");
    }
}

#[test]
fn long_lists_are_cut() {
    let names: Vec<String> = (0..23).map(|n| n.to_string()).collect();
    assert!(listed(&names).ends_with("`19` and 3 more"));
    assert_eq!(listed(&[]), "none");
}
