//! What there is documentation of, in one shape: built-ins and verbs, the library's functions, types, a program's functions.

use std::collections::BTreeMap;

use crate::cli::literal;
use crate::library::BUILTINS;
use crate::library::MODULES;
use crate::library::types::TYPES;
use crate::source::span::FileId;
use crate::syntax::parse;
use crate::syntax::tree::ClauseId;
use crate::syntax::tree::Form;
use crate::syntax::tree::FormNode;
use crate::syntax::tree::Infix;
use crate::syntax::tree::Node;
use crate::syntax::tree::Tree;
use crate::value::kind::Type;
use crate::value::operation;
use crate::value::threshold;

/// What an entry documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Type,
    Verb,
    Function,
    /// A name that the top level binds.
    Name,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Type => "type",
            Kind::Verb => "verb",
            Kind::Function => "function",
            Kind::Name => "name",
        }
    }
}

/// One function, verb or type.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// The module that it is in, if it needs one.
    pub(super) module: Option<String>,
    pub(super) name: String,
    /// Of functions and verbs.
    pub(super) arity: Option<u8>,
    /// `lists:map(F, List)`, `update(variable, operation) -> variable`.
    pub(super) signature: String,
    /// What it does, as Markdown without its examples.
    pub(super) text: String,
    pub(super) examples: Vec<String>,
    /// Of types: what there is besides, each under its heading.
    pub(super) facts: Vec<(&'static str, Vec<String>)>,
    /// Text and examples in the order in which they were written; empty where all examples stand behind the text.
    pub(super) parts: Vec<Part>,
}

/// A part of what was written about something.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Markdown.
    Text(String),
    Example(String),
}

impl Entry {
    /// `lists:map/2`, `set`.
    pub(super) fn title(&self) -> String {
        let module = self.module.as_ref().map(|module| format!("{module}:")).unwrap_or_default();
        let arity = self.arity.map(|arity| format!("/{arity}")).unwrap_or_default();
        format!("{module}{}{arity}", self.name)
    }

    /// The first sentence.
    pub(super) fn summary(&self) -> String {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        let text = words.join(" ");
        let end = text.find(". ").map_or(text.len(), |at| at + 1);
        text.get(..end).unwrap_or_default().to_owned()
    }
}

/// All that comes with the language: types, verbs, functions without module, then module by module in alphabetical order.
pub(super) fn library() -> Vec<Entry> {
    let mut entries: Vec<Entry> = types();
    let mut modules: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    let (mut verbs, mut functions) = (Vec::new(), Vec::new());
    for row in BUILTINS {
        let kind = if row.verb.is_some() { Kind::Verb } else { Kind::Function };
        let entry = Entry {
            kind,
            module: row.module.map(str::to_owned),
            name: row.name.to_owned(),
            arity: Some(row.arity),
            signature: row.signature.to_owned(),
            text: row.documentation.to_owned(),
            examples: Some(row.example).filter(|text| !text.is_empty()).map(str::to_owned).into_iter().collect(),
            facts: Vec::new(),
            parts: Vec::new(),
        };
        match (kind, row.module) {
            (Kind::Function, Some(module)) => modules.entry(module.to_owned()).or_default().push(entry),
            (Kind::Function, None) => functions.push(entry),
            _ => verbs.push(entry),
        }
    }
    for (module, text) in MODULES {
        let module = Some(*module).filter(|module| *module != "prelude");
        for entry in functions_of(text, module) {
            if entry.text.is_empty() {
                // Helpers.
                continue;
            }
            match module {
                Some(module) => modules.entry(module.to_owned()).or_default().push(entry),
                None => functions.push(entry),
            }
        }
    }
    entries.append(&mut verbs);
    functions.sort_by(|one, other| one.name.cmp(&other.name).then(one.arity.cmp(&other.arity)));
    entries.append(&mut functions);
    for (_, mut all) in modules {
        all.sort_by(|one, other| one.name.cmp(&other.name).then(one.arity.cmp(&other.arity)));
        entries.append(&mut all);
    }
    entries
}

/// The types, with what `value` knows of them.
fn types() -> Vec<Entry> {
    let owned = |all: &[&str]| all.iter().map(|item| format!("`{item}`")).collect::<Vec<String>>();
    let mut entries = Vec::new();
    for row in TYPES {
        let kind = literal::read(row.written).and_then(|term| Type::parse(&term));
        let Some(kind) = kind else { continue };
        let aliases: Vec<&str> = Type::NAMES
            .iter()
            .filter(|(name, known)| *known == kind && *name != row.name)
            .map(|(name, _)| *name)
            .chain((row.name == "awmap").then_some("map"))
            .collect();
        let mut facts = vec![("Value", vec![row.value.to_owned()])];
        facts.push(("Operations", owned(operation::shapes(&kind))));
        let contributable = operation::contributable(&kind);
        facts.push(match contributable {
            [] => (
                "What a fold can contribute",
                vec!["nothing: what is set here cannot be taken back exactly".to_owned()],
            ),
            all => ("What a fold can contribute", owned(all)),
        });
        let mut thresholds: Vec<&str> = threshold::shapes(&kind).to_vec();
        thresholds.push("{strict, Threshold}");
        facts.push(("Thresholds", thresholds.iter().map(|shape| threshold_text(shape)).collect()));
        if !aliases.is_empty() {
            facts.push(("Other names", owned(&aliases)));
        }
        entries.push(Entry {
            kind: Kind::Type,
            module: None,
            name: row.name.to_owned(),
            arity: None,
            signature: format!("declare({})", row.written),
            text: row.documentation.to_owned(),
            examples: vec![row.example.to_owned()],
            facts,
            parts: Vec::new(),
        });
    }
    entries
}

fn threshold_text(shape: &str) -> String {
    match shape {
        "bound" => "`bound`: anything but what it is to begin with".to_owned(),
        "{strict, Threshold}" => "`{strict, Threshold}`: above it, not at it".to_owned(),
        words if words.contains(' ') && !words.starts_with(['{', '#']) => words.to_owned(),
        code => format!("`{code}`"),
    }
}

/// The introduction of a program, its functions, and what `%%` lines above names of the top level say; tests are left out
/// unless they have such lines.
pub(super) fn program(text: &str) -> (String, Vec<Entry>) {
    let mut entries = functions_of(text, None);
    entries.retain(|entry| {
        let documented = !entry.text.is_empty() || !entry.examples.is_empty();
        documented || !(entry.arity == Some(0) && entry.name.ends_with("_test"))
    });
    let tree = parse(FileId::default(), text).tree;
    entries.extend(names(&tree));
    let comment = |line: &str| {
        let text = line.trim_start_matches('%').trim_end();
        text.strip_prefix(' ').unwrap_or(text).to_owned()
    };
    let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("%%")).collect();
    // Directly above a function it is the function's.
    let length = head.iter().map(|line| line.len() + 1).sum::<usize>();
    let of_first = tree.forms.first().is_some_and(|form| {
        let has_entry = match &form.node {
            FormNode::Function(_, documentation) => documentation.is_some(),
            FormNode::Statement(_) => name(&tree, form).is_some() && tree.documentation_above(form.range.0).is_some(),
            FormNode::Attribute(..) => false,
        };
        has_entry && form.range.0 as usize <= length + 1
    });
    let module = tree.forms.iter().find(|form| match &form.node {
        FormNode::Attribute(attribute, _) => tree.raw(*attribute) == "module",
        _ => false,
    });
    let of_module = module.and_then(|form| tree.documentation_above(form.range.0));
    if let Some(intro) = of_module.filter(|_| head.is_empty()) {
        return (intro.trim().to_owned(), entries);
    }
    let head = if of_first { Vec::new() } else { head };
    (head.into_iter().map(comment).collect::<Vec<String>>().join("\n").trim().to_owned(), entries)
}

/// What a form binds, where it is one name.
fn name<'t>(tree: &'t Tree, form: &Form) -> Option<(&'t str, &'t str)> {
    let FormNode::Statement(body) = &form.node else { return None };
    let [only] = &**body else { return None };
    let Node::Binop(Infix::Match, pattern, value) = tree.node(*only) else { return None };
    matches!(tree.node(*pattern), Node::Variable).then(|| (tree.raw(*pattern), tree.raw(*value)))
}

/// The names of the top level with `%%` lines directly above them.
fn names(tree: &Tree) -> Vec<Entry> {
    let mut entries = Vec::new();
    for form in &tree.forms {
        let Some((name, value)) = name(tree, form) else { continue };
        let Some(documentation) = tree.documentation_above(form.range.0) else { continue };
        let parts = split(&documentation);
        let (text, examples) = apart(&parts);
        let value = value.lines().next().unwrap_or_default();
        entries.push(Entry {
            kind: Kind::Name,
            module: None,
            name: name.to_owned(),
            arity: None,
            signature: format!("{name} = {value}"),
            text,
            examples,
            facts: Vec::new(),
            parts,
        });
    }
    entries
}

/// The functions of a text, each once.
fn functions_of(text: &str, module: Option<&str>) -> Vec<Entry> {
    let tree = parse(FileId::default(), text).tree;
    let mut entries: Vec<Entry> = Vec::new();
    for form in &tree.forms {
        let FormNode::Function(clauses, documentation) = &form.node else { continue };
        let Some((name, arguments)) = head(&tree, clauses) else { continue };
        let parts = split(documentation.as_deref().unwrap_or_default());
        let (text, examples) = apart(&parts);
        let prefix = module.map(|module| format!("{module}:")).unwrap_or_default();
        let signature = format!("{prefix}{name}({})", arguments.join(", "));
        entries.push(Entry {
            kind: Kind::Function,
            module: module.map(str::to_owned),
            name,
            arity: u8::try_from(arguments.len()).ok(),
            signature,
            text,
            examples,
            facts: Vec::new(),
            parts,
        });
    }
    entries
}

/// The name of a function, and a name for each argument: what some clause calls it.
fn head(tree: &Tree, clauses: &[ClauseId]) -> Option<(String, Vec<String>)> {
    let heads = clauses.iter().filter_map(|clause| match tree.node(*tree.clause(*clause).patterns.first()?) {
        Node::Call(name, arguments) => Some((*name, arguments)),
        _ => None,
    });
    let heads: Vec<_> = heads.collect();
    let (name, first) = heads.first()?;
    let arguments = (0..first.len()).map(|at| {
        let patterns: Vec<_> = heads.iter().filter_map(|(_, arguments)| arguments.get(at).copied()).collect();
        let named =
            patterns.iter().find(|id| matches!(tree.node(**id), Node::Variable) && !tree.raw(**id).starts_with('_'));
        match (named, patterns.first().map(|id| (tree.node(*id), tree.raw(*id)))) {
            (Some(id), _) => tree.raw(*id).to_owned(),
            (None, Some((Node::List(..), _))) => "List".to_owned(),
            (None, Some((Node::Map(_) | Node::Update(..), _))) => "Map".to_owned(),
            (None, Some((Node::Integer | Node::Float, _))) => "N".to_owned(),
            (None, Some((Node::Text, _))) => "Text".to_owned(),
            (None, Some((Node::Variable, raw))) => raw.trim_start_matches('_').to_owned(),
            (None, Some((Node::Tuple(_), raw))) if raw.len() < 40 => raw.to_owned(),
            _ => "X".to_owned(),
        }
    });
    let arguments: Vec<String> = arguments.map(|name| if name.is_empty() { "X".to_owned() } else { name }).collect();
    Some((tree.name(*name).into_owned(), arguments))
}

/// Text and examples, in order.
pub(super) fn split(documentation: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text: Vec<&str> = Vec::new();
    let mut block: Option<Vec<&str>> = None;
    let end_text = |text: &mut Vec<&str>, parts: &mut Vec<Part>| {
        let written = std::mem::take(text).join("\n").trim_matches('\n').trim_end().to_owned();
        if !written.trim().is_empty() {
            parts.push(Part::Text(written));
        }
    };
    for line in documentation.lines() {
        match &mut block {
            None if line.trim_start().starts_with("```lasp") => {
                end_text(&mut text, &mut parts);
                block = Some(Vec::new());
            }
            None => text.push(line),
            Some(lines) if line.trim() == "```" => {
                parts.push(Part::Example(lines.join("\n")));
                block = None;
            }
            Some(lines) => lines.push(line),
        }
    }
    end_text(&mut text, &mut parts);
    parts.extend(block.map(|lines| Part::Example(lines.join("\n"))));
    parts
}

/// The text without its examples, and these.
pub(super) fn apart(parts: &[Part]) -> (String, Vec<String>) {
    let (mut text, mut examples) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(written) => text.push(written.trim()),
            Part::Example(code) => examples.push(code.clone()),
        }
    }
    (text.join("\n\n"), examples)
}
