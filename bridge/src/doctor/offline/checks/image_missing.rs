//! The image's tag is not in the registry.

use super::super::case::Case;
use super::image_name_malformed::images;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let listed = case.of(Kind::Tag).next().or_else(|| case.none_of(Kind::Tag))?;
    let known: Vec<String> = case.of(Kind::Tag).flat_map(names).collect();
    let (image, tag, origin) = images(case).into_iter().find_map(|(image, origin)| {
        let tag = tag(&image)?.to_owned();
        (!known.contains(&tag)).then_some((image, tag, origin))
    })?;
    let found = if known.is_empty() { "no tag at all".to_owned() } else { known.join(", ") };
    let finding = Finding::new("client/image-missing", cause::OBJECT_MISSING, format!("the registry has no tag `{tag}` of this image"))
        .expected(image, origin)
        .found(found, listed.origin(""))
        .advice("name a tag that is there, or push it; a registry of Azure says `authentication required` of a tag that is not there as well");
    Some(finding)
}

fn names(tag: &Exhibit) -> Vec<String> {
    let one = tag.text_of(&["/tag", "/name"]).map(|it| it.rsplit('/').next().unwrap_or(it).to_owned());
    let many = tag.texts("/names").into_iter().chain(tag.texts("/tags")).map(str::to_owned);
    one.into_iter().chain(many).collect()
}

fn tag(image: &str) -> Option<&str> {
    if image.contains('@') {
        return None;
    }
    let last = image.rsplit('/').next()?;
    last.split_once(':').map(|(_, tag)| tag)
}
