//! E065: effects of `enforce_once`, who decides on them, and rights of bounded counters.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0650",
        title: "an effect is in doubt",
        text: "`enforce_once` starts a function at most once in the whole cluster. A node was entered to start it, and has not said that \
         it ended: it ended itself, or cannot be reached. It may have done all of it, some, or nothing; no system can make something \
         outside and its own record of it one step. So the effect is not run again by itself.\n\n\
         Look in the outside world whether it has happened. The key in the message is what a function of one argument is given: hand it \
         on, as the idempotency key of a payment or the number of a mail, and the outside can tell. If it has not happened, start a node that is to run it with \
         `--again KEY:ATTEMPT`, as the message says. The same request made twice runs it once. If the node comes back and was not done, or says that it \
         has ended, that counts.",
        example: Example::Session(
            r"$ echo 'C = declare(counter). enforce_once(C, {value, 0}, fun() -> sleep(60000) end).' > pay.lasp
$ lasp run pay.lasp --data till --timeout 2s
error E0804: the time is up after 2s
$ lasp run pay.lasp --data till --timeout 2s
warning E0650: the effect .. is in doubt: this node ended while it was at it",
        ),
    },
    Explanation {
        code: "E0651",
        title: "no servers are named that decide on effects",
        text: "In a cluster with issued certificates some of the servers decide where effects of `enforce_once` are started, and remember it for good. \
         None are named so far, so nothing could tell that an effect is started only once, and it is refused.\n\n\
         Name one, three or five, where the authority's key is, with the addresses by which they reach each other:\n\n    \
         lasp keys deciders --cluster shop berlin=berlin.example:7001 hamburg=hamburg.example:7001 bremen=bremen.example:7001\n\n\
         Copy the file deciders.pem into the folder of a node; the others are told by it. Those servers need `--data`. While most of them \
         are away no effect is started, and everything else goes on.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node berlin --role server
$ echo 'C = declare(counter). enforce_once(C, {value, 0}, fun() -> print(paid) end).' > pay.lasp
$ lasp run pay.lasp --cluster shop/nodes/berlin
pay.lasp:1:23: error E0651: no servers are named that decide where effects are started",
        ),
    },
    Explanation {
        code: "E0652",
        title: "the ledger of effects cannot be used",
        text: "Nodes of one user on one machine share a file in the user's configuration folder that says which effects of `enforce_once` \
         are started. It could not be read, written or locked, or a line of it means nothing. Nothing is started before it can be.\n\n\
         Make the folder `effects` in the configuration folder writable. If the file is damaged: end all nodes, delete the folder, and start \
         them again; effects that were started before may then be started once more.",
        example: Example::Session(
            r"$ echo 'C = declare(counter). enforce_once(C, {value, 0}, fun() -> print(paid) end).' > pay.lasp
$ lasp run pay.lasp --listen 127.0.0.1:7001 &
paid
$ echo nonsense >> $LASP_CONFIG_DIR/effects/ledger
$ lasp run pay.lasp --listen 127.0.0.1:7002 &
pay.lasp:1:23: error E0652: the ledger .. is damaged: `nonsense` means nothing",
        ),
    },
    Explanation {
        code: "E0653",
        title: "too many effects",
        text: "What was started once is remembered for good, and a cluster remembers about a million effects. This one is not started.\n\n\
         `enforce_once` is for the few steps that need agreement. For work that is done for each element, give the element an owner: one node \
         that does it, with `once` and its data.",
        example: Example::Test {
            file: "tests/effects.rs",
            name: "a_node_that_hears_that_no_more_effects_can_be_remembered_starts_none",
        },
    },
    Explanation {
        code: "E0654",
        title: "a server that is named to decide on effects may not",
        text: "A server that decides must remember for good what it has decided and what it has promised to the others, or an effect could be started \
         twice. So it needs `--data`, and just the data with which it decided before: not an empty folder, and not an older copy. Its folder of keys \
         counts each change of what it has decided (`decides`), and so does its data; the two do not fit. Where `decides` is what is older, bring that file \
         back; what the count has to be if it is lost is told, and good only for the data that the server had last.\n\n\
         Or both are older copies, which nothing on its machine can tell, and a peer has told that it heard of more changes, or of more updates (E1006): \
         from then on it decides nothing. Servers remember what they heard over their restarts if they have `--data`. Until such a one is \
         connected, what was decided since the copy can be decided once more.\n\n\
         It takes part in everything else. While most of the servers decide, effects are started as ever. Start it with the data that it had last. If \
         that is lost, issue a certificate for a new server and name that in its place: `lasp keys issue`, then `lasp keys deciders` with the \
         whole new list; those who decide go over to it by deciding so, while most of them are there.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node berlin --role server
$ lasp keys deciders --cluster shop berlin=127.0.0.1:7001
$ echo 'S = declare(set).' | lasp run - --cluster shop/nodes/berlin
warning E0654: this server is named to decide on effects, and keeps nothing
  help: start it with --data DIR",
        ),
    },
    Explanation {
        code: "E0655",
        title: "these servers cannot decide together",
        text: "`lasp keys deciders` names all servers that are to decide on effects from now on: one to nine, each once, none of them a client, each with the \
         addresses by which the others reach it.\n\n\
         Three bear the loss of one, five that of two. An even number bears no more than one less.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node till
$ lasp keys deciders --cluster shop till=127.0.0.1:7001
error E0655: till is a client by its certificate, and only servers decide",
        ),
    },
    Explanation {
        code: "E0656",
        title: "a peer spends rights that nobody gave it",
        text: "A bounded counter is never below 0, because whoever takes away has put in as much before, or has been given it. A peer sent an \
         update by which somebody takes away more than that, or takes back what it said before. An honest node does not write such a thing: \
         it was not applied, and the connection was closed.\n\n\
         The peer runs another program in the place of lasp, has a damaged memory, or is a copy of another node. Revoke its certificate.",
        example: Example::Test { file: "src/replica/rights.rs", name: "what_nobody_made_or_gave_is_not_spent" },
    },
    Explanation {
        code: "E0657",
        title: "an effect waits for the servers that decide",
        text: "Where `enforce_once` runs its function is decided by the servers that the cluster's authority has named, most of whom have to be \
         together for that. For some seconds they were not, or this node reached none of them, so the effect has not been started. Everything \
         else goes on, and the effect is started as soon as they are together.\n\n\
         Of an effect that was to be started once more, with `--again KEY:ATTEMPT`, it also says that this attempt is not in doubt: a node is at \
         it, it was not the last, or nobody has started the effect at all. An effect that has ended is not started again.\n\n\
         `lasp keys show` names them where the authority's folder is, and `lasp doctor` says which of them can be reached from here.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node berlin --role server
$ lasp keys issue --cluster shop --node bremen --role server
$ lasp keys deciders --cluster shop berlin=127.0.0.1:7001 bremen=127.0.0.1:7002
$ cp shop/deciders.pem shop/nodes/berlin
$ echo 'C = declare(counter). enforce_once(C, {value, 0}, fun() -> print(paid) end).' > pay.lasp
$ lasp run pay.lasp --cluster shop/nodes/berlin --data data --listen 127.0.0.1:7001 &
pay.lasp:1:23: warning E0657: the effect .. is to be started once; a majority of the servers that decide is not together",
        ),
    },
    Explanation {
        code: "E0658",
        title: "the authority has lost its list of servers that decide",
        text: "Those who decide on effects are one group for good: it changes its members by decisions of its own, and a list that begins with other \
         servers is taken up by nobody. So the next list has to follow from the last one, deciders.pem in the authority's folder. It is \
         missing there, and a node's folder beside it still has it.\n\n\
         Copy it back. Every node's folder has the newest list that the node knows; of several the one with the highest number counts, and \
         `lasp keys show` tells the number. Where it is nowhere left, and no node that runs has it, nobody decides any more: make a new cluster.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node berlin --role server
$ lasp keys deciders --cluster shop berlin=127.0.0.1:7001
$ rm shop/deciders.pem
$ lasp keys deciders --cluster shop berlin=127.0.0.1:7002
error E0658: shop/deciders.pem is missing, though servers were named to decide on effects
$ cp shop/nodes/berlin/deciders.pem shop/deciders.pem
$ lasp keys deciders --cluster shop berlin=127.0.0.1:7002
list .. of servers that decide: berlin",
        ),
    },
    Explanation {
        code: "E0659",
        title: "an effect is not run again",
        text: "`--again KEY:ATTEMPT` has an effect of `enforce_once` run once more after that attempt of it is in doubt or has failed. Nothing was \
         run: the program has no effect with this key, or the effect has ended since.\n\n\
         Copy KEY:ATTEMPT from the message that the effect is in doubt (E0650). A function that was changed since is another effect, with \
         another key. A request counts once, so one that was made before may have been answered.",
        example: Example::Session(
            r"$ echo 'C = declare(counter). enforce_once(C, {value, 1}, fun() -> 1 end).' > pay.lasp
$ lasp run pay.lasp --data till --again 0123456789abcdef0123456789abcdef:1
warning E0659: no effect of this program has the key 0123456789abcdef0123456789abcdef, which is to be run again",
        ),
    },
];
