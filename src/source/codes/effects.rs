//! E065: effects of `enforce_once`, who decides on them, and rights of bounded counters.

use crate::source::codes::Explanation;

/// An entry that no program can show.
const fn plain(code: &'static str, title: &'static str, text: &'static str) -> Explanation {
    Explanation { code, title, text, wrong: "", right: "" }
}

pub(super) const CODES: &[Explanation] = &[
    plain(
        "E0650",
        "an effect is in doubt",
        "`enforce_once` starts a function at most once in the whole cluster. A node was entered to start it, and has not said that \
         it ended: it ended itself, or cannot be reached. It may have done all of it, some, or nothing; no system can make something \
         outside and its own record of it one step. So the effect is not run again by itself.\n\n\
         Look in the outside world whether it has happened. The key in the message is what a function of one argument is given: hand it \
         on, as the idempotency key of a payment or the number of a mail, and the outside can tell. If it has not happened, start a node that is to run it with \
         `--again KEY:ATTEMPT`, as the message says. The same request made twice runs it once. If the node comes back and was not done, or says that it \
         has ended, that counts.",
    ),
    plain(
        "E0651",
        "no servers are named that decide on effects",
        "In a cluster with issued certificates some of the servers decide where effects of `enforce_once` are started, and remember it for good. \
         None are named so far, so nothing could tell that an effect is started only once, and it is refused.\n\n\
         Name one, three or five, where the authority's key is, with the addresses by which they reach each other:\n\n    \
         lasp keys deciders --cluster shop berlin=berlin.example:7001 hamburg=hamburg.example:7001 bremen=bremen.example:7001\n\n\
         Copy the file deciders.pem into the folder of a node; the others are told by it. Those servers need `--data`. While most of them \
         are away no effect is started, and everything else goes on.",
    ),
    plain(
        "E0652",
        "the ledger of effects cannot be used",
        "Nodes of one user on one machine share a file in the user's configuration folder that says which effects of `enforce_once` \
         are started. It could not be read, written or locked, or a line of it means nothing. Nothing is started before it can be.\n\n\
         Make the folder `effects` in the configuration folder writable. If the file is damaged: end all nodes, delete the folder, and start \
         them again; effects that were started before may then be started once more.",
    ),
    plain(
        "E0653",
        "too many effects",
        "What was started once is remembered for good, and a cluster remembers about a million effects. This one is not started.\n\n\
         `enforce_once` is for the few steps that need agreement. For work that is done for each element, give the element an owner: one node \
         that does it, with `once` and its data.",
    ),
    plain(
        "E0654",
        "a server that is named to decide on effects may not",
        "A server that decides must remember for good what it has decided and what it has promised to the others, or an effect could be started \
         twice. So it needs `--data`, and just the data with which it decided before: not an empty folder, and not an older copy. Its folder of keys \
         counts its starts, and so does its data; the two do not fit. Or both are older copies, and a peer knows what this server has done since \
         (E1006): from then on it decides nothing.\n\n\
         It takes part in everything else. While most of the servers decide, effects are started as ever. Start it with the data that it had last. If \
         that is lost, issue a certificate for a new server and name that in its place: `lasp keys issue`, then `lasp keys deciders` with the \
         whole new list; those who decide go over to it by deciding so, while most of them are there.",
    ),
    plain(
        "E0655",
        "these servers cannot decide together",
        "`lasp keys deciders` names all servers that are to decide on effects from now on: one to nine, each once, none of them a client, each with the \
         addresses by which the others reach it.\n\n\
         Three bear the loss of one, five that of two. An even number bears no more than one less.",
    ),
    plain(
        "E0656",
        "a peer spends rights that nobody gave it",
        "A bounded counter is never below 0, because whoever takes away has put in as much before, or has been given it. A peer sent an \
         update by which somebody takes away more than that, or takes back what it said before. An honest node does not write such a thing: \
         it was not applied, and the connection was closed.\n\n\
         The peer runs another program in the place of lasp, has a damaged memory, or is a copy of another node. Revoke its certificate.",
    ),
    plain(
        "E0657",
        "an effect waits for the servers that decide",
        "Where `enforce_once` runs its function is decided by the servers that the cluster's authority has named, most of whom have to be \
         together for that. For some seconds they were not, or this node reached none of them, so the effect has not been started. Everything \
         else goes on, and the effect is started as soon as they are together.\n\n\
         `lasp keys show` names them where the authority's folder is, and `lasp doctor` says which of them can be reached from here.",
    ),
];
