//! E06 network, identity, peers; E08 files and usage.

use crate::source::codes::Explanation;

/// An entry that no program can show.
const fn plain(code: &'static str, title: &'static str, text: &'static str) -> Explanation {
    Explanation { code, title, text, wrong: "", right: "" }
}

pub(super) const CODES: &[Explanation] = &[
    plain(
        "E0601",
        "a key or certificate cannot be read or made",
        "Nodes of one user on one machine trust each other by a key in the user's configuration folder. The first node that \
         needs the network makes it. This node could neither read nor make it.\n\n\
         Make the folder writable, or name another one in the environment variable LASP_CONFIG_DIR; all nodes that are to \
         work together must use the same.\n\n\
         Nodes that are started with --cluster have a folder of their own instead, and `lasp keys` one for the cluster: make it, \
         and what is in it, readable and writable for this user.",
    ),
    plain(
        "E0602",
        "a key or certificate is damaged, or others can read the key",
        "Whoever has a key can act for whom it belongs to, so its file must be readable by its owner alone (mode 0600), and \
         hold what was written into it.\n\n\
         If it is the automatic key of the nodes on this machine (cluster.pem), delete it and start all nodes again: a new one \
         is made by itself. If it is in a folder made by `lasp keys`, copy it again from where it was made; if others may have \
         copied a node's key, revoke the node with `lasp keys revoke`.",
    ),
    plain(
        "E0603",
        "the automatic cluster key is good for this machine alone",
        "The key that is made without being asked for protects nodes of one user on one machine. It is no basis for trust \
         between machines, so addresses of other machines, or ones that other machines can reach, are refused with it.\n\n\
         Listen on and dial 127.0.0.1, [::1] or localhost; or make a cluster with `lasp keys init`, have a folder issued for each \
         node with `lasp keys issue`, and start the nodes with --cluster.",
    ),
    plain(
        "E0604",
        "the address cannot be listened on",
        "The address after --listen is taken by another program, is not one of this machine, or does not exist.\n\n\
         Name a free port, or port 0 for any free one; the port that was taken is then told.",
    ),
    plain(
        "E0605",
        "a peer does not answer, or no longer does",
        "Nothing came back from the address in time. The node goes on trying, so nodes may be started in any order, end, and \
         return.\n\n\
         If it stays so: is the other node running, does it listen on that address, is the port right?",
    ),
    plain(
        "E0606",
        "the name of a peer cannot be resolved",
        "The part before the colon of the address is neither an IP address nor a name that this machine can look up now. The \
         node goes on trying.",
    ),
    plain(
        "E0607",
        "a peer belongs to another cluster",
        "Both sides of each connection prove by a certificate that they belong to the same cluster. One side's certificate was \
         missing, or signed by another cluster's key; the message says which side refused.\n\n\
         Nodes of one user on one machine share a cluster by themselves, as long as they use the same configuration folder \
         (LASP_CONFIG_DIR, where that is set).",
    ),
    plain(
        "E0608",
        "a peer speaks another protocol, or another version of it",
        "The program at the other end is not lasp, or a release whose protocol this one does not speak.\n\n\
         Check the port; bring both sides to the same release.",
    ),
    plain(
        "E0609",
        "a peer sent something that is no message",
        "What came from the peer is damaged, too long, or not what belongs there. The connection was closed, and nothing of it \
         was used. The nodes connect again and fetch what is missing.\n\n\
         If it comes back, one of the two programs is faulty: please report it.",
    ),
    plain(
        "E0613",
        "a peer does not take what is sent to it fast enough",
        "What waits to be sent to one peer is bounded, and what is beyond the bound the peer fetches later. A peer that takes \
         nothing at all for 10 seconds loses its connection; when the two connect again it fetches what it lacks. Nothing is \
         lost.",
    ),
    plain(
        "E0614",
        "the address of a peer is the node's own",
        "A node need not be told its own address as a peer. It does no harm.",
    ),
    plain(
        "E0615",
        "there are too many connections",
        "A node takes a bounded number of connections, and a bounded number of newcomers at one time; and none any more when it is about to \
         end. Try again later, or let the node join by another peer.",
    ),
    plain(
        "E0616",
        "two nodes have the same identity",
        "A peer knows updates that bear this node's identity and that this node did not make. Were both to go on, one's \
         updates would be taken for the other's, and lost.\n\n\
         Each start of a node takes an identity of its own, so this happens only when a running node was copied, as with a \
         snapshot of a virtual machine. Stop one of the two and start it again.",
    ),
    plain(
        "E0630",
        "a client speaks in another node's name",
        "A node whose certificate says client may send its own updates alone. What it sent in another's name has had no effect, and \
         the connection is closed.\n\n\
         An honest client never does that. Find out who has its key, and revoke it.",
    ),
    plain(
        "E0801",
        "a file cannot be read",
        "The program, or a file that it asks for, is not there or cannot be read. A program's files are looked for in the \
         folder of the program first, and then in the current folder.",
    ),
    plain("E0802", "the program is not text", "A program is a text in UTF-8. The file has bytes that are not."),
    plain(
        "E0803",
        "there is no such code",
        "Codes are an E and four digits, as messages show them. `lasp explain` without a code lists all of them.",
    ),
    plain(
        "E0820",
        "what was given is no schedule",
        "A schedule says in which order tasks have their turns and updates arrive: `2 replicas: run 0, send 0 to 1, run 1`. Its \
         steps are `run R` (the next task of replica R has its turn), `wake R` (its next sleeper is due), `send R to Q` (Q gets \
         everything that R has) and `send one R to Q` (the next update only). What it leaves open goes on by itself. After the \
         number of replicas may stand `seed N`, `clock N` and `small N` (no whole number in the program's text is above N).",
    ),
    plain(
        "E0804",
        "the time is up",
        "--timeout ended the run before it came to its own end. The message says what was still waited for.",
    ),
    plain(
        "E0805",
        "the program waits for ever",
        "The program's top level waits for a variable to reach a value, and nothing is left that could bring it there: no task \
         can go on, and there is no peer from which it could come.",
    ),
    plain(
        "E0806",
        "replicas differ",
        "All replicas have seen the same updates, and yet a variable does not have the same value on each of them. A function \
         that is given to a derivation is not the same on all nodes, or there is a fault in lasp.",
    ),
    plain(
        "E0807",
        "the expression to wait for never became true",
        "No task can go on, and the expression after --until is not true. Nothing is left that could make it so.",
    ),
    plain(
        "E0808",
        "standard output cannot be written",
        "What was to be written to standard output could not be, because the disk is full for instance: a part of it is missing. The \
         run goes on, and its exit code is 1 instead of 0. A reader that goes away, as `head` does, is no error.",
    ),
    plain(
        "E0809",
        "nobody reads standard output",
        "What the program prints waits for its reader: a pager that stands still, a terminal that was halted with Ctrl-S, a log \
         that is stuck. So that nothing is lost and no memory fills, the program's tasks wait as well; the node itself goes on, answers \
         its peers and takes in what they send. When it is asked to end, it waits two seconds for the reader.",
    ),
    plain(
        "E0810",
        "the expression to wait for is of no use",
        "The expression after --until is to become true. It gives something that is neither true nor false, such as `5` or a list, or \
         it fails, as `hd(query(S))` does while S is empty. If that follows from the expression alone, the program is not run. Else it \
         is told the first time, and tested again after each change: write it so that it gives `false` until then, for \
         instance `query(S) == [1, 2]` or `length(query(S)) > 2`.",
    ),
    plain(
        "E0811",
        "no test has this in its name",
        "`lasp test --filter TEXT` runs the tests whose name, after the file and a colon, has the text, and there is none among the \
         tests that were found. The exit code is 2, so that a script with a name that is misspelt, or was changed, does not pass.",
    ),
    plain(
        "E0812",
        "a task does not give up its turn",
        "Tasks have their turns one after the other, and a turn lasts until the task waits or ends. While it lasts nothing else changes: other tasks \
         wait, and so does what peers send. What the task updates goes out to them meanwhile. One task has had its turn for seconds, and something \
         waits for its end.\n\n\
         If it computes for so long, let it be. A loop that goes on for ever needs a place to wait: `sleep(0)` is enough, or a `read` of what it \
         is to react to; `every` and `stream` wait by themselves.",
    ),
];
