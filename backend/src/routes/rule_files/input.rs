//! How a file is to be imported.

use std::collections::HashSet;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use vigil_domain::{FieldError, Mistakes, group::check_namespace, id::ChannelId};

use crate::{
    extract::given,
    problem::{Problem, Result},
};

/// How a file is to be imported.
#[derive(Debug, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// What the file is called here. Not `vigil`, which holds what the API makes.
    #[param(min_length = 1, max_length = 200, example = "node.yml")]
    pub(super) namespace: String,
    /// Says what would change, and changes nothing.
    #[param(default = false)]
    pub(super) dry_run: Option<bool>,
    /// Warns of fields that Prometheus does not know, instead of refusing the file.
    #[param(default = false)]
    pub(super) lenient: Option<bool>,
    /// Who hears of its alerting rules; may be repeated. Without it, rules that stay tell whom they told, and new ones
    /// Vigil's log.
    #[param(value_type = Option<Vec<Uuid>>, max_items = 50)]
    pub(super) channel_id: Option<Vec<ChannelId>>,
    /// Whether the namespace is in shadow: its rules are evaluated and recorded, while nobody is told and nothing is written
    /// to the data source. Without it that stays as it is, and a new namespace is not.
    pub(super) shadow: Option<bool>,
}

/// Changes to a namespace: what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"shadow": false}))]
pub(crate) struct FilePatch {
    /// Whether all its rules are in shadow.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    pub(super) shadow: Option<bool>,
}

impl<S: Send + Sync> FromRequestParts<S> for ImportQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self::read(parts.uri.query().unwrap_or_default())?)
    }
}

impl ImportQuery {
    /// Every mistake at once. Written by hand, because a parameter that may be repeated is more than serde knows.
    fn read(query: &str) -> Result<Self, Vec<FieldError>> {
        let (mut read, mut mistakes, mut given) = (Self::default(), Mistakes::default(), HashSet::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let name = name.replace('\0', "");
            if name != "channel_id" && !given.insert(name.clone()) {
                mistakes.add(name, "is given more than once");
                continue;
            }
            match name.as_str() {
                "namespace" => read.namespace = value.into_owned(),
                "dry_run" => read.dry_run = mistakes.keep("dry_run", value.parse()),
                "lenient" => read.lenient = mistakes.keep("lenient", value.parse()),
                "shadow" => read.shadow = mistakes.keep("shadow", value.parse()),
                "channel_id" => {
                    let Some(id) = mistakes.keep("channel_id", value.parse()) else { continue };
                    let ids = read.channel_id.get_or_insert_default();
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
                _ => mistakes.add(name, "is no parameter of this operation"),
            }
        }
        check_namespace(&read.namespace, &mut mistakes);
        if read.channel_id.as_ref().is_some_and(|ids| ids.len() > 50) {
            mistakes.add("channel_id", "names more than 50 channels");
        }
        mistakes.or(read)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_parameter_may_be_repeated_if_it_is_a_list() {
        let [ops, night] = [1, 2].map(|id| ChannelId(Uuid::from_u128(id)));
        let query =
            format!("namespace=a%2Fb&channel_id={ops}&dry_run=true&channel_id={night}&channel_id={ops}&shadow=true");
        let expected = ImportQuery {
            namespace: "a/b".to_owned(),
            dry_run: Some(true),
            lenient: None,
            channel_id: Some(vec![ops, night]),
            shadow: Some(true),
        };
        assert_eq!(ImportQuery::read(&query), Ok(expected));
    }

    #[test]
    fn every_mistake_is_told() {
        let fields = |query: &str| {
            let mistakes = ImportQuery::read(query).unwrap_err();
            mistakes.into_iter().map(|mistake| mistake.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(""), ["namespace"]);
        assert_eq!(fields("namespace=a&namespace=b"), ["namespace"]);
        let query = "namespace=%0A&dry_run=maybe&lenient=1&shadow=dark&channel_id=x&file=y";
        assert_eq!(fields(query), ["dry_run", "lenient", "shadow", "channel_id", "file", "namespace"]);
    }
}
