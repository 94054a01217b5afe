//! The interface verbs: print, who and where this node is, time, chance.

use rand::RngExt;

use crate::library::Verb;
use crate::node::Node;
use crate::node::Output;
use crate::node::data::Format;
use crate::node::verbs::Answer;
use crate::node::verbs::Refusal;
use crate::node::verbs::ok;
use crate::node::verbs::unusable;
use crate::value::atom::Atom;
use crate::value::term::Term;
use crate::vm::fault::Fault;

impl Node {
    pub(super) fn interface_verb(&mut self, verb: Verb, arguments: &[Term]) -> Result<Term, Refusal> {
        match (verb, arguments) {
            (Verb::Print, [value]) => {
                let mut text = match value {
                    Term::Str(text) => text.to_string(),
                    value => crate::vm::format::text(value).map_err(|fault| failed(&fault))?,
                };
                text.push('\n');
                self.show(Output::Print { text, value: value.clone() });
                Ok(ok())
            }
            (Verb::Format, [format]) => self.format(format, &Term::Nil),
            (Verb::Format, [format, arguments]) => self.format(format, arguments),
            (Verb::Node, []) => Ok(Node::name_term(&self.settings.name.clone())),
            (Verb::Nodes, []) => {
                let mut names: Vec<Term> = self.peers.values().map(|name| Node::name_term(name)).collect();
                names.sort();
                Ok(Term::list(names))
            }
            (Verb::Replica, []) => Ok(Term::Int(i64::from(self.settings.replica))),
            (Verb::Role, []) => Ok(self.settings.role.clone()),
            (Verb::Converged, []) => Ok(Term::boolean(self.converged())),
            (Verb::Arg, [name, default]) => self.argument(name, default),
            (Verb::NowMs, []) => Ok(Term::Int(i64::try_from(self.now_ms).unwrap_or(i64::MAX))),
            (Verb::Random, [limit]) => match limit {
                Term::Int(limit) if *limit >= 1 => Ok(Term::Int(self.random.random_range(1..=*limit))),
                other => Err(unusable("random", "an integer from 1 to 9223372036854775807", other)),
            },
            (Verb::Interested | Verb::Disinterested | Verb::SetTopic | Verb::RemoveTopic, arguments) => {
                self.topic_verb(verb, arguments)
            }
            (verb, _) => Err(Refusal::new("E0391", format!("`{verb:?}` does not take these arguments"))),
        }
    }

    /// What a program shows: at once, or when its transaction is done.
    fn show(&mut self, output: Output) {
        match &mut self.transaction {
            Some(open) => open.hold_output(output),
            None => self.outputs.push_back(output),
        }
    }

    pub(super) fn name_term(name: &str) -> Term {
        Atom::new(name).map_or_else(|_| Term::text(name), Term::Atom)
    }

    pub(super) fn sleep(&mut self, duration: &Term) -> Result<Answer, Refusal> {
        let duration_ms = match duration {
            Term::Int(ms) if *ms >= 0 => ms.cast_unsigned(),
            other => return Err(unusable("sleep", "milliseconds: an integer of at least 0", other)),
        };
        Ok(Answer::Sleep { due_ms: self.now_ms.saturating_add(duration_ms), value: ok() })
    }

    pub(super) fn file(verb: &str, path: &Term, format: Format) -> Result<Answer, Refusal> {
        match path.as_text() {
            Some(path) => Ok(Answer::File { path: path.to_owned(), format }),
            None => Err(unusable(verb, "the path of a file, as a text", path)),
        }
    }

    fn format(&mut self, format: &Term, arguments: &Term) -> Result<Term, Refusal> {
        let text = crate::vm::format::format(format, arguments).map_err(|fault| failed(&fault))?;
        self.show(Output::Print { value: Term::text(text.as_str()), text });
        Ok(ok())
    }

    fn argument(&self, name: &Term, default: &Term) -> Result<Term, Refusal> {
        let Some(name) = name.as_atom().or_else(|| name.as_text()) else {
            return Err(unusable("arg", "a name: an atom", name));
        };
        let given = self.settings.arguments.iter().find(|(known, _)| known == name);
        Ok(given.map_or_else(|| default.clone(), |(_, value)| value.clone()))
    }
}

/// What cannot be made into text.
fn failed(fault: &Fault) -> Refusal {
    let refusal = Refusal::new(fault.code(), fault.title());
    fault.help().into_iter().fold(refusal, Refusal::help)
}
