//! docs/limits.md says what the source says: every value that it names, and no limit of the network or of replication is
//! left out.

mod support;

use std::collections::BTreeMap;

use support::root;
use support::text;

/// The values of the page, by the place that each names.
fn page() -> BTreeMap<String, f64> {
    let page = text(&root().join("docs/limits.md"));
    let rows = page.lines().filter(|line| line.starts_with('|') && line.ends_with("` |"));
    let mut found = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, value, place] = cells[..] else { panic!("a row of three: {row}") };
        let value = shown_value(value).unwrap_or_else(|| panic!("a value: {row}"));
        found.insert(place.trim_matches('`').to_owned(), value);
    }
    found
}

/// A value as the page has it; times in milliseconds.
fn shown_value(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let factor = match unit {
        "" | "ms" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "s" => 1000.0,
        "h" => 3_600_000.0,
        "days" => 86_400_000.0,
        _ => return None,
    };
    number.replace(',', "").parse::<f64>().ok().map(|number| number * factor)
}

/// A constant's value as the source has it: numbers, shifts, products, and spans of time.
fn source_value(text: &str) -> Option<f64> {
    let text = text.trim();
    for (kind, factor) in [("millis", 1.0), ("secs", 1000.0), ("mins", 60_000.0), ("hours", 3_600_000.0)] {
        if let Some(rest) = text.strip_prefix(&format!("Duration::from_{kind}(")) {
            return source_value(rest.strip_suffix(')')?).map(|number| number * factor);
        }
    }
    if let Some((left, right)) = text.split_once("<<") {
        return Some(source_value(left)? * source_value(right)?.exp2());
    }
    if let Some((left, right)) = text.split_once('*') {
        return Some(source_value(left)? * source_value(right)?);
    }
    text.replace('_', "").parse().ok()
}

/// The constants of a module: name and what stands behind the equals sign.
fn constants(module: &str) -> BTreeMap<String, String> {
    let path = root().join("src").join(module.replace("::", "/"));
    let file = [path.with_extension("rs"), path.join("mod.rs")].into_iter().find(|file| file.exists());
    let source = text(&file.unwrap_or_else(|| panic!("a module: {module}")));
    let mut found = BTreeMap::new();
    for line in source.lines() {
        let line = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        let Some(rest) = line.trim_start_matches("pub ").strip_prefix("const ") else { continue };
        if let Some((name, value)) =
            rest.split_once(':').and_then(|(name, rest)| Some((name, rest.split_once(" = ")?.1)))
        {
            found.insert(name.to_owned(), value.trim_end_matches(';').to_owned());
        }
    }
    found
}

/// The bounds of replication that are settings, by name.
fn settings() -> BTreeMap<String, f64> {
    let shown = format!("{:?}", lasp::replica::Limits::default());
    let inner = shown.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).expect("a structure").0;
    let fields = inner.split(',').filter_map(|field| field.split_once(':'));
    fields.filter_map(|(name, value)| Some((name.trim().to_owned(), value.trim().parse().ok()?))).collect()
}

#[test]
fn what_the_page_says_is_what_the_source_says() {
    let settings = settings();
    let mut wrong = Vec::new();
    for (place, shown) in page() {
        let (module, name) = place.rsplit_once("::").expect("a path");
        let actual = match module {
            "replica::Limits" => settings.get(name).copied(),
            module => constants(module).get(name).and_then(|value| source_value(value)),
        };
        if actual != Some(shown) {
            wrong.push(format!("{place}: the page says {shown}, the source {actual:?}"));
        }
    }
    assert!(wrong.is_empty(), "docs/limits.md:\n{}", wrong.join("\n"));
}

#[test]
fn no_limit_of_the_network_or_of_replication_is_left_out() {
    let page = page();
    // These are names, not limits.
    let named = ["ALPN", "PROTOCOL"];
    let network = constants("net::limits").into_keys().filter(|name| !named.contains(&name.as_str()));
    let network = network.map(|name| format!("net::limits::{name}"));
    let replica = settings().into_keys().filter(|name| name.ends_with("_max") || name.ends_with("_per_minute"));
    let replica = replica.map(|name| format!("replica::Limits::{name}"));
    let missing: Vec<String> = network.chain(replica).filter(|place| !page.contains_key(place)).collect();
    assert!(missing.is_empty(), "docs/limits.md lacks:\n{}", missing.join("\n"));
}
