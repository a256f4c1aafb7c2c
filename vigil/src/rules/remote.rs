//! The rule files of a running Vigil.

use std::collections::HashMap;

use anyhow::Context as _;
use clap::Args;
use reqwest::{Method, header::CONTENT_TYPE};
use serde::Deserialize;
use vigil_domain::{group::OWN_NAMESPACE, id::ChannelId, rule_file::PrometheusVersion};

use super::plan::Plan;
use crate::client::{Client, Refusal};

/// How files are imported.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Warn of fields that Prometheus does not know, instead of refusing the file.
    #[arg(long)]
    lenient: bool,
    /// Who hears of the alerts: a channel's name or id; may be given several times. Without it, rules that stay tell whom
    /// they told, and new ones Vigil's log.
    #[arg(long, value_name = "NAME_OR_ID")]
    channel: Vec<String>,
    /// Put the files in shadow: their rules are evaluated and recorded, and nobody is told. --shadow=false ends that; without
    /// it they stay as they are.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    shadow: Option<bool>,
}

/// A rule file on its way to Vigil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    /// What people call it: what is wrong with it is told behind this name.
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) text: String,
}

/// Whether something is done or only planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Plan,
    Apply,
}

/// A rule file that is there.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) namespace: String,
    groups: u64,
    read_only: bool,
}

impl Listed {
    /// Whether it holds what the API makes.
    pub(crate) fn is_own(&self) -> bool {
        self.namespace == OWN_NAMESPACE
    }

    /// Whether the API may not change its groups: only an import does.
    pub(crate) const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether it has groups and the API may change them.
    pub(crate) const fn is_released(&self) -> bool {
        self.groups > 0 && !self.read_only
    }
}

/// Rule files of a running Vigil, and how to import them.
pub(crate) struct Remote {
    client: Client,
    lenient: bool,
    channels: Vec<ChannelId>,
    shadow: Option<bool>,
}

#[derive(Deserialize)]
struct Channel {
    id: ChannelId,
    name: String,
}

impl Remote {
    /// Looks up the channels that the settings name.
    pub(crate) async fn open(client: Client, settings: &Settings) -> anyhow::Result<Self> {
        let Settings { lenient, channel, shadow } = settings;
        let named = channel.iter().any(|channel| channel.parse::<ChannelId>().is_err());
        let known = if named { client.list::<Channel>("channels").await? } else { Vec::new() };
        let channels = channel_ids(channel, &known)?;
        Ok(Self { client, lenient: *lenient, channels, shadow: *shadow })
    }

    /// Only to read.
    pub(crate) fn read_only(client: Client) -> Self {
        Self { client, lenient: false, channels: Vec::new(), shadow: None }
    }

    /// Makes the rules of a namespace those of a file.
    pub(crate) async fn import(&self, upload: &Upload, step: Step) -> Result<Plan, Refusal> {
        let Upload { namespace, text, name: _ } = upload;
        let mut query = vec![("namespace", namespace.clone()), ("dry_run", is_plan(step).to_string())];
        if self.lenient {
            query.push(("lenient", true.to_string()));
        }
        query.extend(self.shadow.map(|shadow| ("shadow", shadow.to_string())));
        query.extend(self.channels.iter().map(|channel| ("channel_id", channel.to_string())));
        let request = self.client.request(Method::POST, &["rule-files"]).query(&query);
        self.client.read(request.header(CONTENT_TYPE, "application/yaml").body(text.clone())).await
    }

    /// Removes all rules of a namespace.
    pub(crate) async fn remove(&self, namespace: &str, step: Step) -> Result<Plan, Refusal> {
        let request = self.client.request(Method::DELETE, &["rule-files", namespace]);
        self.client.read(request.query(&[("dry_run", is_plan(step))])).await
    }

    /// Every namespace, by name.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, Refusal> {
        self.client.list("rule-files").await
    }

    /// A namespace as a rule file, for the Prometheus that is to read it.
    pub(crate) async fn export(&self, namespace: &str, target: Option<PrometheusVersion>) -> Result<String, Refusal> {
        let request = self.client.request(Method::GET, &["rule-files", namespace]);
        let target: Vec<_> = target.iter().map(|target| ("target", target.to_string())).collect();
        self.client.text(request.query(&target)).await
    }
}

const fn is_plan(step: Step) -> bool {
    matches!(step, Step::Plan)
}

/// The ids of channels that are given by name or id, in order.
fn channel_ids(given: &[String], known: &[Channel]) -> anyhow::Result<Vec<ChannelId>> {
    let by_name: HashMap<_, _> = known.iter().map(|channel| (channel.name.as_str(), channel.id)).collect();
    let id = |text: &String| {
        let found = by_name.get(text.as_str()).copied().or_else(|| text.parse().ok());
        found.with_context(|| unknown_channel(text, known))
    };
    given.iter().map(id).collect()
}

fn unknown_channel(name: &str, known: &[Channel]) -> String {
    let mut names: Vec<_> = known.iter().map(|channel| format!("{:?}", channel.name)).collect();
    names.sort_unstable();
    let there = if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) };
    format!("there is no channel {name:?}; {there}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPS: &str = "01936d5e-7a00-7000-8000-000000000001";
    const NIGHT: &str = "01936d5e-7a00-7000-8000-000000000002";

    fn ids(given: &[&str]) -> Result<Vec<String>, String> {
        let known = [("ops", OPS), ("night \u{1f319}", NIGHT)];
        let known = known.map(|(name, id)| Channel { id: id.parse().unwrap(), name: name.to_owned() });
        let given: Vec<_> = given.iter().map(|&text| text.to_owned()).collect();
        let ids = channel_ids(&given, &known).map_err(|error| error.to_string())?;
        Ok(ids.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn shadow_is_a_word_that_need_not_be_said() {
        #[derive(clap::Parser)]
        struct Import {
            files: Vec<String>,
            #[command(flatten)]
            settings: Settings,
        }
        for (arguments, shadow) in [
            (&["a.yml"][..], None),
            (&["--shadow", "a.yml"], Some(true)),
            (&["--shadow=true", "a.yml"], Some(true)),
            (&["a.yml", "--shadow=false"], Some(false)),
        ] {
            let all = std::iter::once(&"import").chain(arguments);
            let Import { files, settings } = <Import as clap::Parser>::try_parse_from(all).unwrap();
            assert_eq!((files, settings.shadow), (vec!["a.yml".to_owned()], shadow), "{arguments:?}");
        }
        assert!(<Import as clap::Parser>::try_parse_from(["import", "--shadow=dark"]).is_err());
    }

    #[test]
    fn channels_are_found_by_name_and_by_id() {
        assert_eq!(ids(&["ops", NIGHT]), Ok(vec![OPS.to_owned(), NIGHT.to_owned()]));
        assert_eq!(ids(&[]), Ok(vec![]));
        let told = "there is no channel \"pager\"; there are \"night \u{1f319}\", \"ops\"";
        assert_eq!(ids(&["ops", "pager"]), Err(told.to_owned()));
    }
}
