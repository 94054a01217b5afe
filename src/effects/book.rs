//! One ledger for all nodes, where these can share one: the nodes of one process, or of one user on one machine.

use crate::effects::Command;
use crate::effects::DECIDED;
use crate::effects::Decision;
use crate::effects::EffectKey;
use crate::effects::Ledger;
use crate::effects::NodeId;
use crate::effects::Put;
use crate::effects::Runner;
use crate::effects::row_key;
use crate::effects::wire::Answer;
use crate::effects::wire::Ended;
use crate::effects::wire::Message;
use crate::effects::wire::Request;
use crate::effects::wire::Standing;

/// See the module. Whoever keeps it on disk writes the commands that it gives before it passes the answers on.
#[derive(Clone, Debug, Default)]
pub struct Book {
    ledger: Ledger,
}

impl Book {
    /// The node under which askers know it.
    pub const NODE: NodeId = NodeId(0);

    /// Enters what was entered before, by whomever. Says whether it was news.
    pub fn enter(&mut self, command: &Command) -> bool {
        self.ledger.enter(command)
    }

    /// Takes over what is kept of an effect.
    pub fn restore(&mut self, key: EffectKey, decision: Decision) {
        self.ledger.restore(key, decision);
    }

    /// Takes in what is known of an effect from elsewhere. Says whether it was news.
    pub fn learn(&mut self, key: EffectKey, decision: Decision) -> bool {
        self.ledger.learn(key, decision)
    }

    /// Takes in what another book answers, and gives what is news as rows: who keeps them can tell a third book.
    pub fn overhear(&mut self, answers: &[Answer]) -> Vec<Put> {
        let mut news = Vec::new();
        for Answer { key, standing } in answers {
            if let Standing::Decided { decision, .. } = standing
                && self.learn(*key, *decision)
            {
                news.push(self.row(*key));
            }
        }
        news
    }

    /// What is entered of an effect, as a row to be kept.
    #[must_use]
    pub fn row(&self, key: EffectKey) -> Put {
        let value = self.ledger.get(key).and_then(|decision| postcard::to_allocvec(decision).ok());
        Put { key: row_key(DECIDED, key), value }
    }

    /// What is entered.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Answers a node. `gone` says of which processes it is known that they have ended. Gives what was entered, too.
    pub fn answer(
        &mut self,
        from: NodeId,
        message: &Message,
        gone: impl Fn(&Runner) -> bool,
    ) -> (Vec<Command>, Option<Message>) {
        let mut entered = Vec::new();
        let answers: Vec<Answer> = match message {
            Message::Requests(requests) => {
                requests.iter().map(|request| self.request(from, request, &gone, &mut entered)).collect()
            }
            Message::Ended(ended) => ended.iter().map(|ended| self.ended(from, ended, &gone, &mut entered)).collect(),
            Message::Answers(_) | Message::Raft { .. } | Message::Count { .. } => return (entered, None),
        };
        (entered, Some(Message::Answers(answers)))
    }

    fn request(
        &mut self,
        from: NodeId,
        request: &Request,
        gone: &impl Fn(&Runner) -> bool,
        entered: &mut Vec<Command>,
    ) -> Answer {
        let key = request.key;
        let known = self.ledger.get(key).copied();
        let next = known.map_or(1, |decision| decision.attempt.saturating_add(1));
        let free = known
            .is_none_or(|decision| decision.ended == Some(false) || decision.ended.is_none() && gone(&decision.runner));
        if request.attempt == next && free {
            let runner = Runner { node: from, life: request.life };
            self.add(Command::Grant { key, attempt: next, runner }, entered);
        }
        let standing = match self.ledger.get(key) {
            Some(decision) => {
                Standing::Decided { decision: *decision, doubt: decision.ended.is_none() && gone(&decision.runner) }
            }
            None if self.ledger.is_full() => Standing::Full,
            None => Standing::Undecided,
        };
        Answer { key, standing }
    }

    fn ended(
        &mut self,
        from: NodeId,
        ended: &Ended,
        gone: &impl Fn(&Runner) -> bool,
        entered: &mut Vec<Command>,
    ) -> Answer {
        let runner = Runner { node: from, life: ended.life };
        if self.ledger.get(ended.key).is_some_and(|known| known.runner == runner) {
            self.add(Command::Ended { key: ended.key, attempt: ended.attempt, well: ended.well }, entered);
        }
        let ask = Request { key: ended.key, life: ended.life, attempt: 0, running: false };
        self.request(from, &ask, gone, entered)
    }

    fn add(&mut self, command: Command, entered: &mut Vec<Command>) {
        if self.ledger.enter(&command) {
            entered.push(command);
        }
    }
}
