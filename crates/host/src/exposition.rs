//! Families as text in Prometheus' exposition format 0.0.4.

use std::fmt::Write;

use crate::Family;

/// The families, one after the other, as a scrape would answer them.
///
/// Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
pub fn exposition(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        write_family(&mut text, family).expect("a String takes whatever is written to it");
    }
    text
}

fn write_family(text: &mut String, family: &Family) -> std::fmt::Result {
    let Family { name, kind, help, metrics } = family;
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str())?;
    for metric in metrics {
        text.push_str(name);
        for (index, (label, value)) in metric.labels.iter().enumerate() {
            let separator = if index == 0 { '{' } else { ',' };
            write!(text, "{separator}{label}=\"{}\"", escaped(value))?;
        }
        if !metric.labels.is_empty() {
            text.push('}');
        }
        writeln!(text, " {}", number(metric.value))?;
    }
    Ok(())
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn label_values_and_help_are_escaped() {
        let mut family = Family::new("node_filesystem_files", Kind::Gauge, "back\\slash\nline");
        family.push([("device", "a\"b"), ("mountpoint", "/x\\y\nz")], 1.5);
        family.push([], f64::INFINITY);
        let expected = "# HELP node_filesystem_files back\\\\slash\\nline\n\
                        # TYPE node_filesystem_files gauge\n\
                        node_filesystem_files{device=\"a\\\"b\",mountpoint=\"/x\\\\y\\nz\"} 1.5\n\
                        node_filesystem_files +Inf\n";
        assert_eq!(exposition(&[family]), expected);
    }

    #[test]
    fn not_a_number_is_written_as_prometheus_reads_it() {
        assert_eq!(exposition(&[Family::gauge("a", "b", f64::NAN)]), "# HELP a b\n# TYPE a gauge\na NaN\n");
    }
}
