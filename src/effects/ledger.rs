//! What has been decided: the outcome of all commands, in their order.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::effects::EffectKey;
use crate::effects::Runner;

/// The most effects that one cluster can tell apart; beyond it none is entered any more.
pub const EFFECTS_MAX: usize = 1 << 20;

/// What those who decide enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// This node, in this life, and nobody else starts the effect. Has no effect unless nobody was entered for this attempt.
    Grant {
        /// The effect.
        key: EffectKey,
        /// 1, or one more than the attempt that is in doubt.
        attempt: u32,
        /// Who starts it.
        runner: Runner,
    },
    /// The effect has ended there.
    Ended {
        /// The effect.
        key: EffectKey,
        /// Which attempt.
        attempt: u32,
        /// Whether it came to its end; else it failed, which was told where it ran.
        well: bool,
    },
}

impl Command {
    /// The effect that it is about.
    #[must_use]
    pub fn key(&self) -> EffectKey {
        match self {
            Command::Grant { key, .. } | Command::Ended { key, .. } => *key,
        }
    }
}

/// Who starts an effect, or has, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// 1, unless somebody asked for another.
    pub attempt: u32,
    /// Who was entered for it.
    pub runner: Runner,
    /// Whether it ended well or failed; `None` before it has ended, or if nobody will ever know.
    pub ended: Option<bool>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    decisions: BTreeMap<EffectKey, Decision>,
}

impl Ledger {
    /// What is known of an effect.
    #[must_use]
    pub fn get(&self, key: EffectKey) -> Option<&Decision> {
        self.decisions.get(&key)
    }

    /// All effects, by key.
    pub fn iter(&self) -> impl Iterator<Item = (EffectKey, &Decision)> {
        self.decisions.iter().map(|(key, decision)| (*key, decision))
    }

    /// Whether no further effect can be entered.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.decisions.len() >= EFFECTS_MAX
    }

    /// Takes over what is kept of an effect.
    pub(super) fn restore(&mut self, key: EffectKey, decision: Decision) {
        self.decisions.insert(key, decision);
    }

    /// Takes in what somebody knows who was told of a decision, perhaps by another ledger. Says whether it was news: a later attempt
    /// is, and how one ended; a good end is the last word.
    pub(super) fn learn(&mut self, key: EffectKey, decision: Decision) -> bool {
        let news = match self.decisions.get(&key) {
            None => !self.is_full(),
            Some(known) if known.ended == Some(true) => false,
            Some(known) if known.attempt == decision.attempt => known.ended.is_none() && decision.ended.is_some(),
            Some(known) => known.attempt < decision.attempt || decision.ended == Some(true),
        };
        if news {
            self.decisions.insert(key, decision);
        }
        news
    }

    /// Whether a command would change anything.
    #[must_use]
    pub fn takes(&self, command: &Command) -> bool {
        match (command, self.decisions.get(&command.key())) {
            (Command::Grant { attempt, .. }, None) => *attempt == 1 && !self.is_full(),
            (Command::Grant { attempt, .. }, Some(known)) => {
                known.ended != Some(true) && known.attempt.checked_add(1) == Some(*attempt)
            }
            (Command::Ended { attempt, .. }, Some(known)) => known.ended.is_none() && known.attempt == *attempt,
            (Command::Ended { .. }, None) => false,
        }
    }

    /// Enters a command; says whether it changed anything. Everybody who enters the same commands has the same ledger.
    pub fn enter(&mut self, command: &Command) -> bool {
        if !self.takes(command) {
            return false;
        }
        match *command {
            Command::Grant { key, attempt, runner } => {
                self.decisions.insert(key, Decision { attempt, runner, ended: None });
            }
            Command::Ended { key, well, .. } => {
                if let Some(known) = self.decisions.get_mut(&key) {
                    known.ended = Some(well);
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::NodeId;

    fn grant(attempt: u32, node: u64) -> Command {
        Command::Grant { key: EffectKey(7), attempt, runner: Runner { node: NodeId(node), life: 1 } }
    }

    fn ended(attempt: u32, well: bool) -> Command {
        Command::Ended { key: EffectKey(7), attempt, well }
    }

    #[test]
    fn the_first_is_entered_and_nobody_after_it() {
        let mut ledger = Ledger::default();
        assert!(!ledger.enter(&grant(2, 1)), "there is no second attempt without a first");
        assert!(ledger.enter(&grant(1, 1)));
        assert!(!ledger.enter(&grant(1, 2)));
        assert_eq!(ledger.get(EffectKey(7)).map(|decision| decision.runner.node), Some(NodeId(1)));
    }

    #[test]
    fn what_is_heard_of_a_decision_counts_unless_more_is_known() {
        let decision =
            |attempt, ended| Decision { attempt, runner: Runner { node: NodeId(9), life: u64::from(attempt) }, ended };
        let key = EffectKey(7);
        let mut ledger = Ledger::default();
        assert!(ledger.learn(key, decision(1, None)) && !ledger.learn(key, decision(1, None)));
        assert!(ledger.learn(key, decision(1, Some(false))) && !ledger.learn(key, decision(1, None)));
        assert!(ledger.enter(&grant(2, 1)) && !ledger.learn(key, decision(1, Some(false))));
        assert!(ledger.learn(key, decision(3, Some(true))) && !ledger.learn(key, decision(4, None)));
        assert_eq!(ledger.get(key), Some(&decision(3, Some(true))));
    }

    #[test]
    fn an_attempt_follows_the_one_before_and_none_follows_a_good_end() {
        let mut ledger = Ledger::default();
        assert!(ledger.enter(&grant(1, 1)) && ledger.enter(&grant(2, 2)));
        assert!(!ledger.enter(&ended(1, true)), "the end of an attempt that was given up counts no more");
        assert!(ledger.enter(&ended(2, false)) && !ledger.enter(&ended(2, true)));
        assert!(ledger.enter(&grant(3, 1)) && ledger.enter(&ended(3, true)));
        assert!(!ledger.enter(&grant(4, 1)));
    }
}
