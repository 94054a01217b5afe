//! Effects in doubt that the user wants run once more (`--again`), and what is told where that comes to nothing.

use std::collections::BTreeMap;

use crate::effects::Ask;
use crate::effects::Decision;
use crate::effects::EffectKey;
use crate::node::Node;
use crate::source::diagnostic::Diagnostic;

/// By effect, the attempt that is in doubt, as the user said.
#[derive(Default)]
pub(super) struct Again {
    /// Those of which the program has not said so far that it wants them.
    wished: BTreeMap<EffectKey, u32>,
    /// Those that were asked for.
    asked: BTreeMap<EffectKey, u32>,
    /// Whether it was told which of them the program does not know.
    told: bool,
}

impl Again {
    pub(super) fn new(wished: Vec<(EffectKey, u32)>) -> Again {
        Again { wished: wished.into_iter().collect(), ..Again::default() }
    }

    /// What those who decide are to be asked about an effect.
    pub(super) fn ask(&mut self, key: EffectKey) -> Ask {
        let Some(attempt) = self.wished.remove(&key) else { return Ask::First };
        self.asked.insert(key, attempt);
        Ask::After(attempt)
    }

    /// An effect has ended, `here` or elsewhere; what is to be told of that where it was wanted once more.
    pub(super) fn ended(&mut self, key: EffectKey, decision: &Decision, here: bool) -> Option<Diagnostic> {
        self.asked.remove(&key).filter(|_| !here)?;
        let attempt = decision.attempt;
        let title = format!("the effect {key} is not run again: its attempt {attempt} has ended");
        let why = "an effect is run again where an attempt is in doubt or has failed; a request counts once";
        Some(Diagnostic::warning("E0659", title).help(why))
    }
}

impl Node {
    /// Says which effects are to be run again that the program does not know, as soon as its top level has come to its end or waits.
    /// Should the program come to want them later, they are run.
    pub fn tell_unknown_again(&mut self) {
        let again = &mut self.enforced.again;
        if std::mem::replace(&mut again.told, true) {
            return;
        }
        let mut keys: Vec<EffectKey> = again.wished.keys().copied().collect();
        keys.retain(|key| !self.enforced.wants(*key));
        for key in keys {
            let title = format!("no effect of this program has the key {key}, which is to be run again");
            let help = "copy KEY:ATTEMPT from the message that it is in doubt; a function that was changed since is another effect";
            self.report(Diagnostic::warning("E0659", title).help(help));
        }
    }
}
