use super::*;

#[test]
fn files_in_the_house_style_are_written_as_they_were() {
    for (name, text) in [
        ("node.yml", include_str!("node.yml")),
        ("kubernetes.yml", include_str!("kubernetes.yml")),
        ("quoting.yml", include_str!("quoting.yml")),
    ] {
        assert_eq!(read(text).to_yaml(), text, "{name}");
    }
}

#[test]
fn a_file_in_another_style_comes_back_in_the_house_style() {
    let file = read(include_str!("authored.yml"));
    assert_eq!(file.to_yaml(), include_str!("authored.out.yml"));
    assert_eq!(read(&file.to_yaml()), file);
}

#[test]
fn an_empty_file_says_so() {
    assert_eq!(RuleFile::default().to_yaml(), "groups: []\n");
    let file = read("groups: [{name: g}]");
    assert_eq!(file.to_yaml(), "groups:\n- name: g\n  rules: []\n");
}
