//! Where the two are known to differ, and why. What is known is folded away before anything is compared, so that all
//! that is around it still is; and each difference has to be met, because otherwise it is known no more.

use std::collections::BTreeMap;

use vigil_tests::fakes::Labels;

/// The template of a label in `rules.yml` that expands to nothing.
const TO_NOTHING: &str = "{{ $labels.nope }}";

/// Whose evidence it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Vigil,
    Prometheus,
}

/// One known difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deviation {
    NoLabels,
    LabelOfNothing,
    HttpClient,
}

/// Folds what is known of one side, and counts how often it was there.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    side: Side,
    met: BTreeMap<Deviation, usize>,
}

impl Deviation {
    pub(crate) const ALL: [Self; 3] = [Self::NoLabels, Self::LabelOfNothing, Self::HttpClient];

    /// What it is, and why it stays so.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NoLabels => "Prometheus 2.42 leaves out `labels` of a recording rule without any; later ones do not",
            Self::LabelOfNothing => {
                "`ALERTS` and `ALERTS_FOR_STATE` of Prometheus carry the text of a label's template that expands to \
                 nothing; in Vigil they have the labels of the alert (ADR 0006)"
            }
            Self::HttpClient => "they are two programs with two HTTP clients, and say so in the headers of their posts",
        }
    }
}

impl Known {
    pub(crate) fn of(side: Side) -> Self {
        Self { side, met: BTreeMap::new() }
    }

    /// How often a difference was there.
    pub(crate) fn met(&self, deviation: Deviation) -> usize {
        self.met.get(&deviation).copied().unwrap_or_default()
    }

    /// The labels of a recording rule; `None` if there is no such field.
    pub(crate) fn labels_of_recording(&mut self, labels: Option<Labels>) -> Option<Labels> {
        if labels.is_none() && self.side == Side::Prometheus {
            self.note(Deviation::NoLabels);
            return Some(Labels::new());
        }
        labels
    }

    /// The labels of a series that a rule wrote.
    pub(crate) fn labels_of_series(&mut self, mut labels: Labels) -> Labels {
        let before = labels.len();
        labels.retain(|_, value| value != TO_NOTHING || self.side == Side::Vigil);
        if labels.len() < before {
            self.note(Deviation::LabelOfNothing);
        }
        labels
    }

    /// The headers of a post, by name; without those that follow from the HTTP client alone.
    pub(crate) fn headers(&mut self, headers: &Labels) -> Labels {
        const OF_CLIENT: [&str; 5] = ["accept", "accept-encoding", "content-length", "host", "user-agent"];
        let product = match self.side {
            Side::Vigil => "vigil/",
            Side::Prometheus => "Prometheus/",
        };
        if headers.get("user-agent").is_some_and(|agent| agent.starts_with(product)) {
            self.note(Deviation::HttpClient);
        }
        let rest = headers.iter().filter(|(name, _)| !OF_CLIENT.contains(&name.as_str()));
        rest.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn note(&mut self, deviation: Deviation) {
        *self.met.entry(deviation).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use vigil_tests::labels;

    use super::*;

    #[test]
    fn only_what_is_known_of_a_side_is_folded() {
        let (mut vigil, mut prometheus) = (Known::of(Side::Vigil), Known::of(Side::Prometheus));
        let left_out = [vigil.labels_of_recording(None), prometheus.labels_of_recording(None)];
        assert_eq!(left_out, [None, Some(Labels::new())]);
        let raw = labels! { alertname = "A", nothing = TO_NOTHING };
        assert_eq!(prometheus.labels_of_series(raw.clone()), labels! { alertname = "A" });
        assert_eq!(vigil.labels_of_series(raw.clone()), raw);
        let met = |known: &Known| Deviation::ALL.into_iter().filter(|one| known.met(*one) > 0).count();
        assert_eq!([met(&vigil), met(&prometheus)], [0, 2]);
    }

    #[test]
    fn headers_that_say_which_client_it_is_do_not_count() {
        let of = |agent: &str, more: (&str, &str)| {
            let headers = [("user-agent", agent), ("host", "a:1"), ("content-type", "application/json"), more];
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        };
        let (mut vigil, mut prometheus) = (Known::of(Side::Vigil), Known::of(Side::Prometheus));
        let ours = vigil.headers(&of("vigil/0.1.0", ("accept", "*/*")));
        let theirs = prometheus.headers(&of("Prometheus/2.42.0", ("accept-encoding", "gzip")));
        assert_eq!((ours.len(), &ours), (1, &theirs));
        assert_ne!(vigil.headers(&of("vigil/0.1.0", ("x-more", "1"))), theirs);
        assert_eq!([vigil.met(Deviation::HttpClient), prometheus.met(Deviation::HttpClient)], [2, 1]);
    }
}
