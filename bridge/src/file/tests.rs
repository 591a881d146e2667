//! Bridge files and what is said about them.

use std::fmt::Write as _;

use super::*;
use crate::spec::{Expose, Right, Runtime, Scaling, VersionRef, Who};

const HARBOUR: &str = include_str!("examples/harbour.yaml");

/// Every problem as an editor would show it: the line, the text underlined.
fn shown(text: &str) -> String {
    let problems = parse("bridge.yaml", text).unwrap_err();
    let shown = problems.iter().map(|problem| {
        let underlined = text.get(problem.spot.span.clone()).unwrap();
        format!("{problem}\n    ^ {underlined:?}\n")
    });
    shown.collect()
}

fn replaced(from: &str, to: &str) -> String {
    assert_eq!(HARBOUR.matches(from).count(), 1, "{from}");
    HARBOUR.replace(from, to)
}

#[test]
fn harbour() {
    let bridge = parse("bridge.yaml", HARBOUR).unwrap_or_else(|problems| panic!("{problems:#?}"));
    insta::assert_json_snapshot!(bridge);
}

#[test]
fn defaults() {
    let bridge = parse("bridge.yaml", HARBOUR).unwrap();
    assert_eq!(bridge.azure.tenant, "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10");
    assert_eq!(bridge.federation.pool, "gangplank");
    assert_eq!(bridge.federation.provider, "entra");
    assert_eq!(bridge.federation.application, "gangplank-harbour");
    assert_eq!(bridge.teams[0].namespace, "oncology");
    assert_eq!(bridge.identities[0].may, [Right::Push, Right::Deploy("oncology".into())]);
    assert!(
        matches!(&bridge.identities[1].who, Who::AppRole { role, members, .. } if role == "Cellar.Deployer" && members.len() == 1)
    );
    assert_eq!(bridge.services[0].runtime, Runtime::Auto);
    assert_eq!(bridge.services[0].expose, Expose::Cluster);
    assert_eq!(bridge.services[0].model.version, VersionRef::Exact("2".into()));
    assert_eq!(bridge.services[1].scaling, Scaling { min: 1, max: 3, cpu_percent: 70 });
    assert_eq!(bridge.endpoints.sts.as_deref(), Some("http://127.0.0.1:8080"));
    for (given, min, max) in [("{min: 5}", 5, 5), ("{max: 1}", 1, 1), ("{}", 1, 3)] {
        let bridge = parse("bridge.yaml", &replaced("{min: 2, max: 6}", given)).unwrap();
        assert_eq!((bridge.services[0].scaling.min, bridge.services[0].scaling.max), (min, max), "{given}");
    }
}

#[test]
fn sources_beyond_the_default_datastore() {
    let text = replaced("  workspace: quay\n", "  workspace: quay\n  datastores: [workspaceartifactstore]\n")
        .replace(
            "model: \"breast-cancer:2\"",
            "model: azureml://registries/shared/models/breast-x/versions/3",
        )
        .replace("    scaling: {min: 2", "    runtime: {environment: \"packed:4\"}\n    scaling: {min: 2");
    let bridge = parse("bridge.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(bridge.azure.datastores, ["workspaceartifactstore"]);
    assert_eq!(bridge.services[0].model.registry(), Some("shared"));
    let package = Runtime::Package { environment: "packed".into(), version: "4".into() };
    assert_eq!(bridge.services[0].runtime, package);
    for (from, to, expected) in [
        ("[workspaceartifactstore]", "[a, a]", "datastore `a` is there twice"),
        ("[workspaceartifactstore]", "[\"a b\"]", "`a b` is no datastore"),
        ("\"packed:4\"", "packed", "`packed` names no environment"),
        ("/versions/3", "/3", "names no model version"),
    ] {
        let problems = parse("bridge.yaml", &text.replace(from, to)).unwrap_err();
        assert!(problems[0].to_string().contains(expected), "{}", problems[0]);
    }
}

#[test]
fn people_and_groups_hold_app_roles() {
    let person = "6D2E0F81-405C-4E3B-9F7D-1C8B2F3E4D51";
    let group = "3ad9fc0b-04fd-47a2-a5e1-6b97f358e410";
    let holders = format!("people: [Dana@Harbour.example, {person}]\n    groups: [{group}]");
    let text = replaced("members:\n      - d4c3f6a5-ae97-414c-8f8b-0531920d1e04", &holders).replace(
        "29d8ebfa-f3ec-4691-94d0-5a8647e26309\n",
        "29d8ebfa-f3ec-4691-94d0-5a8647e26309\n    includesPeople: true\n",
    );
    let bridge = parse("bridge.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let Who::AppRole { members, people, groups, .. } = &bridge.identities[1].who else {
        panic!("{bridge:?}")
    };
    assert!(members.is_empty());
    assert_eq!(*people, ["dana@harbour.example".to_owned(), person.to_lowercase()]);
    assert_eq!(groups, &[group]);
    assert!(bridge.identities[2].who.includes_people() && bridge.lets_people_across());
    assert!(!parse("bridge.yaml", HARBOUR).unwrap().lets_people_across());
    for (from, to, expected) in [
        ("[Dana@Harbour.example, ", "[Dana, ", "`Dana` is no user principal name or object id"),
        (person, "dana@harbour.example", "person `dana@harbour.example` is there twice"),
        (group, "oncology", "`oncology` is no GUID"),
        (
            "appRole: Cellar.Deployer",
            "group: 29d8ebfa-f3ec-4691-94d0-5a8647e26300",
            "`people` without `appRole`",
        ),
        ("appRole: Cellar.Deployer", "appRole: Gangplank.Cross", "app role `Gangplank.Cross` is reserved"),
        (
            "group: 29d8ebfa-f3ec-4691-94d0-5a8647e26309",
            "managedIdentity: 29d8ebfa-f3ec-4691-94d0-5a8647e26309",
            "`includesPeople` without `group`",
        ),
    ] {
        let problems = parse("bridge.yaml", &text.replacen(from, to, 1)).unwrap_err();
        assert!(problems[0].to_string().contains(expected), "{}", problems[0]);
    }
}

#[test]
fn wrong_shape() {
    insta::assert_snapshot!(shown(include_str!("examples/wrong-shape.yaml")));
}

#[test]
fn wrong_meaning() {
    insta::assert_snapshot!(shown(include_str!("examples/wrong-meaning.yaml")));
}

#[test]
fn no_bridge_at_all() {
    let mut all = Vec::new();
    for text in
        ["", "# only a comment\n", "---\n", "- a\n- b\n", "just text", "7", "{}", "a: [", "a:\n\tb: 1\n"]
    {
        all.push(format!("{text:?}\n{}", shown(text)));
    }
    insta::assert_snapshot!(all.concat());
}

#[test]
fn a_thousand_teams_with_a_caller_each_are_not_too_many() {
    let (mut identities, mut teams) = (String::from("identities:\n"), String::from("teams:\n"));
    for team in 0..1000 {
        let id = format!("00000000-0000-4000-8000-{team:012}");
        let deploy = format!("may: [push, \"deploy:t{team:04}\"]");
        writeln!(identities, "  - {{name: ci-{team}, servicePrincipal: {id}, {deploy}}}").unwrap();
        let quota = "quota: {cpu: 8, memory: 16Gi, pods: 20}";
        writeln!(teams, "  - {{name: t{team:04}, models: [\"m{team:04}-*\"], {quota}}}").unwrap();
    }
    let (before, _) = HARBOUR.split_once("\nidentities:").unwrap();
    let bridge = parse("bridge.yaml", &format!("{before}\n{identities}{teams}")).unwrap();
    assert_eq!(bridge.teams.len(), 1000);
}

#[test]
fn aliases_are_fine_and_bounded() {
    let text = HARBOUR
        .replace("{cpu: 8, memory: 16Gi, pods: 20}", "&quota {cpu: 8, memory: 16Gi, pods: 20}")
        .replace("    namespace: wine\n", "    namespace: wine\n    quota: *quota\n");
    let bridge = parse("bridge.yaml", &text).unwrap();
    assert_eq!(bridge.teams[0].quota, bridge.teams[1].quota);
    let mut laughs = String::from("a0: &a0 [x]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(",");
        laughs = format!("{laughs}a{level}: &a{level} [{before}]\n");
    }
    let problems = parse("bridge.yaml", &laughs).unwrap_err();
    assert!(problems[0].message.contains("too large"), "{}", problems[0]);
}

#[test]
fn places_are_right() {
    for (from, to, line, underlined) in [
        ("workspace: quay", "workspace: \"qu ay\"", 9, "\"qu ay\""),
        ("  cluster: ship\n", "", 10, "google"),
        ("team: cellar\n", "team: celler\n", 44, "celler"),
        ("callers: [clinic]", "callers: [clinic, ü]", 33, "ü"),
        ("min: 2, max: 6", "min: 7, max: 6", 41, "7"),
    ] {
        let text = replaced(from, to);
        let problems = parse("bridge.yaml", &text).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].spot.line, line, "{}", problems[0]);
        assert_eq!(&text[problems[0].spot.span.clone()], underlined, "{}", problems[0]);
    }
}

#[test]
fn two_models_that_would_be_one_image() {
    let slug = crate::name::slug("Wine_Cultivar", crate::name::LABEL_MAX).text;
    let text =
        HARBOUR.replace("models: [Wine_Cultivar]", &format!("models: [Wine_Cultivar, {slug}]")).replace(
            "endpoints:\n",
            &format!("  - name: twin\n    team: cellar\n    model: {slug}\nendpoints:\n"),
        );
    let problems = parse("bridge.yaml", &text).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        format!(
            "bridge.yaml:53:12: `{slug}` and `Wine_Cultivar` would both be image `{slug}`; \
             expected names that differ in more than capitals and separators; line 45: the other model"
        )
    );
}

/// Cutting a file anywhere, or writing a stray character anywhere, gives a bridge or problems inside the text, and no
/// panic.
#[test]
fn every_cut_and_every_stray_character() {
    for (position, _) in HARBOUR.char_indices().step_by(3) {
        for text in [
            HARBOUR[..position].to_owned(),
            format!(
                "{}{}{}",
                &HARBOUR[..position],
                ["*", "\t", "ü", "{", ": ", "\u{feff}"][position % 6],
                &HARBOUR[position..]
            ),
        ] {
            if let Err(problems) = parse("bridge.yaml", &text) {
                assert!(!problems.is_empty());
                for problem in problems {
                    assert!(text.get(problem.spot.span.clone()).is_some(), "{problem:?}");
                }
            }
        }
    }
}

const PAGE: &str = include_str!("../../../docs/bridge-file.md");

/// What stands in the page's example, what a user might write instead.
const MISTAKES: [(&str, &str); 14] = [
    ("  resourceGroup: rg-quay\n", "  resource_group: rg-quay\n"),
    ("  workspace: quay\n", "  workspace:\n"),
    ("tenant: 0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10", "tenant: contoso.onmicrosoft.com"),
    ("project: harbour-prod", "project: 412907655821"),
    ("cost-centre: \"4711\"", "cost-centre: 4711"),
    ("cost-centre: \"4711\"", "pod-security.kubernetes.io/enforce: privileged"),
    ("\"deploy:oncology\"", "\"deploy:onkology\""),
    ("models: [Wine_Cultivar]", "models: [Wine_Cultivar, \"*-cancer\"]"),
    ("  - name: cellar\n", "  - name: cellar\n    namespace: oncology\n"),
    ("\"breast-cancer:2\"", "\"lung-cancer:2\""),
    ("\"breast-cancer:2\"", "\"breast-cancer:\""),
    ("{min: 2, max: 6}", "{min: 8, max: 6}"),
    ("expose: internal", "expose: Internal"),
    ("    sample:", "\tsample:"),
];

fn page_example() -> &'static str {
    PAGE.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap()
}

#[test]
fn the_page_says_what_is_said() {
    let example = page_example();
    assert!(parse("bridge.yaml", example).is_ok());
    let rows: Vec<String> = MISTAKES
        .iter()
        .map(|(from, to)| {
            assert_eq!(example.matches(from).count(), 1, "{from}");
            let problems = parse("bridge.yaml", &example.replace(from, to)).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:#?}");
            // A cell holds no tab, no line end and no bare backtick run.
            let shown = to.trim_end().rsplit('\n').next().unwrap().trim_start_matches(' ').replace('\t', "→");
            format!("| `{shown}` | {} |", problems[0])
        })
        .collect();
    let table = rows.join("\n");
    assert!(PAGE.contains(&table), "docs/bridge-file.md should hold:\n{table}");
}

#[test]
fn the_page_names_every_key() {
    let definitions = crate::schema::SCHEMA["$defs"].as_object().unwrap().values();
    for definition in definitions.chain([&*crate::schema::SCHEMA]) {
        for key in definition["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
            let named = [format!("`{key}`"), format!(".{key}`"), format!("### `{key}`")];
            assert!(named.iter().any(|named| PAGE.contains(named)) || key == "metadata", "`{key}`");
        }
    }
}
