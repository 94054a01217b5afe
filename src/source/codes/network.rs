//! E06 network, identity, peers; E08 files and usage.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0601",
        title: "a key or certificate cannot be read or made",
        text: "Nodes of one user on one machine trust each other by a key in the user's configuration folder. The first node that \
         needs the network makes it. This node could neither read nor make it.\n\n\
         Make the folder writable, or name another one in the environment variable LASP_CONFIG_DIR; all nodes that are to \
         work together must use the same.\n\n\
         Nodes that are started with --cluster have a folder of their own instead, and `lasp keys` one for the cluster: make it, \
         and what is in it, readable and writable for this user.",
        example: Example::Session(
            r"$ echo hello > file
$ echo 'S = declare(set).' | LASP_CONFIG_DIR=file/folder lasp run - --listen 127.0.0.1:7001
error E0601: the cluster key at file/folder/cluster.pem cannot be used: ..",
        ),
    },
    Explanation {
        code: "E0602",
        title: "a key or certificate is damaged, or others can read the key",
        text: "Whoever has a key can act for whom it belongs to, so its file must be readable by its owner alone (mode 0600), and \
         hold what was written into it.\n\n\
         If it is the automatic key of the nodes on this machine (cluster.pem), delete it and start all nodes again: a new one \
         is made by itself. If it is in a folder made by `lasp keys`, copy it again from where it was made; if others may have \
         copied a node's key, revoke the node with `lasp keys revoke`.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ chmod 644 $LASP_CONFIG_DIR/cluster.pem
$ lasp run shop.lasp --listen 127.0.0.1:7002
error E0602: the cluster key at .. can be read by other users",
        ),
    },
    Explanation {
        code: "E0603",
        title: "the automatic cluster key is good for this machine alone",
        text: "The key that is made without being asked for protects nodes of one user on one machine. It is no basis for trust \
         between machines, so addresses of other machines, or ones that other machines can reach, are refused with it.\n\n\
         Listen on and dial 127.0.0.1, [::1] or localhost; or make a cluster with `lasp keys init`, have a folder issued for each \
         node with `lasp keys issue`, and start the nodes with --cluster.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp run - --listen 0.0.0.0:7001
error E0603: 0.0.0.0:7001 is not on this machine, and the automatic cluster key is good for this machine alone",
        ),
    },
    Explanation {
        code: "E0604",
        title: "the address cannot be listened on",
        text: "The address after --listen is taken by another program, is not one of this machine, or does not exist.\n\n\
         Name a free port, or port 0 for any free one; the port that was taken is then told.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run shop.lasp --listen 127.0.0.1:7001
error E0604: cannot listen on 127.0.0.1:7001: ..",
        ),
    },
    Explanation {
        code: "E0605",
        title: "a peer does not answer, or no longer does",
        text: "Nothing came back from the address in time. The node goes on trying, so nodes may be started in any order, end, and \
         return.\n\n\
         If it stays so: is the other node running, does it listen on that address, is the port right?\n\n\
         A node that was killed in the midst of a handshake and is started again at once gets the rest of that handshake, and tells \
         that the connection ended; the other side dials again.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --peers 127.0.0.1:7001 &
resolving 127.0.0.1:7001: no answer from 127.0.0.1:7001; is a node listening there? (E0605)",
        ),
    },
    Explanation {
        code: "E0606",
        title: "the name of a peer cannot be resolved",
        text: "The part before the colon of the address is neither an IP address nor a name that this machine can look up now. The \
         node goes on trying.",
        example: Example::Session(
            r"$ lasp doctor --peers nowhere.invalid:7001
..nowhere.invalid:7001 cannot be resolved: .. (E0606)",
        ),
    },
    Explanation {
        code: "E0607",
        title: "a peer belongs to another cluster",
        text: "Both sides of each connection prove by a certificate that they belong to the same cluster. One side's certificate was \
         missing, or signed by another cluster's key; the message says which side refused.\n\n\
         Nodes of one user on one machine share a cluster by themselves, as long as they use the same configuration folder \
         (LASP_CONFIG_DIR, where that is set).",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ LASP_CONFIG_DIR=other lasp run shop.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run shop.lasp --peers 127.0.0.1:7001 &
refused 127.0.0.1:7001: this node refused the peer: the peer's certificate is of another cluster .. (E0607)",
        ),
    },
    Explanation {
        code: "E0608",
        title: "a peer speaks another protocol, or another version of it",
        text: "The program at the other end is not lasp, or a release whose protocol this one does not speak.\n\n\
         Check the port; bring both sides to the same release.",
        example: Example::Test {
            file: "src/net/tests.rs",
            name: "strangers_without_certificate_or_with_another_protocol_are_refused",
        },
    },
    Explanation {
        code: "E0609",
        title: "a peer sent something that is no message",
        text: "What came from the peer is damaged, too long, or not what belongs there. The connection was closed, and nothing of it \
         was used. The nodes connect again and fetch what is missing.\n\n\
         If it comes back, one of the two programs is faulty: please report it.",
        example: Example::Test { file: "src/net/tests.rs", name: "bytes_that_are_no_greeting_are_refused" },
    },
    Explanation {
        code: "E0613",
        title: "a peer does not take what is sent to it fast enough",
        text: "What waits to be sent to one peer is bounded, and what is beyond the bound the peer fetches later. A peer that takes \
         nothing at all for 10 seconds loses its connection; when the two connect again it fetches what it lacks. Nothing is \
         lost.",
        example: Example::Test {
            file: "src/net/many_tests.rs",
            name: "a_peer_that_does_not_read_costs_little_delays_nobody_and_loses_its_connection",
        },
    },
    Explanation {
        code: "E0614",
        title: "the address of a peer is the node's own",
        text: "A node need not be told its own address as a peer. It does no harm; but where all addresses after --peers are its own, it seeks \
         nobody, and waits for others to dial it.",
        example: Example::Session(
            r#"$ lasp keys init shop
$ lasp keys issue --cluster shop --node berlin --role server
$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --cluster shop/nodes/berlin --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp doctor --cluster shop/nodes/berlin --peers 127.0.0.1:7001 --json
{..,"state":"ok","message":"127.0.0.1:7001: this is the node itself","code":"E0614",..}"#,
        ),
    },
    Explanation {
        code: "E0615",
        title: "there are too many connections",
        text: "A node takes a bounded number of connections, and a bounded number of newcomers at one time; the message says which of the two \
         it is. Too many connections last until some end: let the node join by another peer. Too many newcomers at one time pass in \
         moments, and the node tries again by itself; if they do not, see who else dials that node.\n\n\
         A node that is about to end takes none any more either: that is E0605.",
        example: Example::Test {
            file: "src/net/many_tests.rs",
            name: "the_peer_that_is_one_too_many_is_refused_on_both_sides_and_gets_in_when_another_has_left",
        },
    },
    Explanation {
        code: "E0616",
        title: "two nodes have the same identity",
        text: "A peer knows updates that bear this node's identity and that this node did not make. Were both to go on, one's \
         updates would be taken for the other's, and lost.\n\n\
         Each start of a node takes an identity of its own, so this happens only when a running node was copied, as with a \
         snapshot of a virtual machine. Stop one of the two and start it again.",
        example: Example::Test { file: "src/replica/tests.rs", name: "nobody_else_makes_updates_in_our_name" },
    },
    Explanation {
        code: "E0630",
        title: "a client speaks in another node's name",
        text: "A node whose certificate says client may send its own updates alone. What it sent in another's name has had no effect, and \
         the connection is closed.\n\n\
         An honest client never does that. Find out who has its key, and revoke it.",
        example: Example::Test { file: "src/replica/trust_tests.rs", name: "a_client_speaks_in_its_own_name_alone" },
    },
    Explanation {
        code: "E0631",
        title: "a server lacks updates that nobody here has any more",
        text: "A client keeps its updates until a server has said that it has them, and the latest 16,384 of them, or 4 MiB, beyond that: should that \
         server be lost before it has told anybody, another one gets them from here. This time more than those were with one server alone. The \
         one that is connected now cannot take what comes after them, since updates of a node count in their order.\n\n\
         Bring the first server back, with its data: the others get from it what they lack, and all goes on. If it is lost for good, start this \
         node again: a new run has an order of its own, so what it writes from then on is taken. What the lost server alone had is lost with it.",
        example: Example::Test {
            file: "src/replica/client_tests.rs",
            name: "a_server_that_lacks_what_a_client_keeps_no_longer_is_told",
        },
    },
    Explanation {
        code: "E0801",
        title: "a file cannot be read",
        text: "The program, or a file that it asks for, is not there or cannot be read. A program's files are looked for in the \
         folder of the program first, and then in the current folder.",
        example: Example::Session(
            r"$ lasp run nothing.lasp
error E0801: nothing.lasp cannot be read: ..",
        ),
    },
    Explanation {
        code: "E0802",
        title: "the program is not text",
        text: "A program is a text in UTF-8. The file has bytes that are not.",
        example: Example::Session(
            r#"$ printf 'X = "\377".' | lasp check -
error E0802: standard input is not text
  help: Byte 5 is not UTF-8."#,
        ),
    },
    Explanation {
        code: "E0803",
        title: "there is no such code",
        text: "Codes are an E and four digits, as messages show them. `lasp explain` without a code lists all of them.",
        example: Example::Session(
            r"$ lasp explain E9999
error E0803: there is no code `E9999`",
        ),
    },
    Explanation {
        code: "E0820",
        title: "what was given is no schedule",
        text: "A schedule says in which order tasks have their turns and updates arrive: `2 replicas: run 0, send 0 to 1, run 1`. Its \
         steps are `run R` (the next task of replica R has its turn), `wake R` (its next sleeper is due), `send R to Q` (Q gets \
         everything that R has) and `send one R to Q` (the next update only). What it leaves open goes on by itself. After the \
         number of replicas may stand `seed N`, `clock N` and `small N` (no whole number in the program's text is above N).",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp check - --replay '2 replicas: go 0'
error E0820: `go 0` is no part of a schedule: ..",
        ),
    },
    Explanation {
        code: "E0804",
        title: "the time is up",
        text: "--timeout ended the run before it came to its own end. The message says what was still waited for.",
        example: Example::Session(
            r"$ echo 'sleep(60000).' | lasp run - --timeout 1s
error E0804: the time is up after 1s
  help: The program's top level had not come to its end.",
        ),
    },
    Explanation {
        code: "E0805",
        title: "the program waits for ever",
        text: "The program's top level waits for a variable to reach a value, and nothing is left that could bring it there: no task \
         can go on, and there is no peer from which it could come.",
        example: Example::Session(
            r"$ echo 'S = declare(set). read(S, {cardinality, 1}).' | lasp run -
waiting: the program at standard input:1: S has to reach {cardinality, 1}; .. (E0805)",
        ),
    },
    Explanation {
        code: "E0806",
        title: "replicas differ",
        text: "All replicas have seen the same updates, and yet a variable does not have the same value on each of them. A function \
         that is given to a derivation is not the same on all nodes, or there is a fault in lasp.",
        example: Example::Session(
            r"$ echo 'R = replica(). S = declare(set). update(S, {add, 1}). D = map(S, fun(X) -> X + R end).' > add.lasp
$ lasp run add.lasp --replicas 2
error E0806: D is [1] on a, [2] on b",
        ),
    },
    Explanation {
        code: "E0807",
        title: "the expression to wait for never became true",
        text: "No task can go on, and the expression after --until is not true. Nothing is left that could make it so.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp run - --until 'query(S) == [1]'
error E0807: the expression after --until never became true",
        ),
    },
    Explanation {
        code: "E0808",
        title: "standard output cannot be written",
        text: "What was to be written to standard output could not be, because the disk is full for instance: a part of it is missing. The \
         run goes on, and its exit code is 1 instead of 0. A reader that goes away, as `head` does, is no error; it ends a run \
         that is no node and keeps no data.",
        example: Example::Session(
            r"$ echo 'print(hello).' | lasp run - > /dev/full
error E0808: standard output cannot be written: ..",
        ),
    },
    Explanation {
        code: "E0809",
        title: "nobody reads standard output",
        text: "What the program prints waits for its reader: a pager that stands still, a terminal that was halted with Ctrl-S, a log \
         that is stuck. So that nothing is lost and no memory fills, the program's tasks wait as well; the node itself goes on, answers \
         its peers and takes in what they send. When it is asked to end, or the time of `--timeout` is up, it waits two seconds for the reader.",
        example: Example::Session(
            r"$ echo 'f() -> print(lists:seq(1, 1000)), f(). f().' > loop.lasp
$ lasp run loop.lasp | sleep 60 &
warning E0809: nobody reads standard output: the program's tasks wait for that, everything else goes on",
        ),
    },
    Explanation {
        code: "E0810",
        title: "the expression to wait for is of no use",
        text: "The expression after --until is to become true. It gives something that is neither true nor false, such as `5` or a list, or \
         it fails, as `hd(query(S))` does while S is empty. If that follows from the expression alone, the program is not run. Else it \
         is told the first time, and tested again after each change: write it so that it gives `false` until then, for \
         instance `query(S) == [1, 2]` or `length(query(S)) > 2`.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp run - --until 5
error E0810: the expression after --until will never be true: it is 5",
        ),
    },
    Explanation {
        code: "E0811",
        title: "no test has this in its name",
        text: "`lasp test --filter TEXT` runs the tests whose name, after the file and a colon, has the text, and there is none among the \
         tests that were found. The exit code is 2, so that a script with a name that is misspelt, or was changed, does not pass.",
        example: Example::Session(
            r"$ echo 'sum_test() -> assert(1 + 1 == 2).' > sum.lasp
$ lasp test sum.lasp --filter product
error E0811: none of 1 tests has `product` in its name",
        ),
    },
    Explanation {
        code: "E0812",
        title: "a task does not give up its turn",
        text: "Tasks have their turns one after the other, and a turn lasts until the task waits or ends. While it lasts nothing else changes: other tasks \
         wait, and so does what peers send. What the task updates goes out to them meanwhile. One task has had its turn for seconds, and something \
         waits for its end.\n\n\
         If it computes for so long, let it be. A loop that goes on for ever needs a place to wait: `sleep(0)` is enough, or a `read` of what it \
         is to react to; `every` and `stream` wait by themselves.",
        example: Example::Session(
            r"$ echo 'f() -> f(). thread(fun() -> sleep(1000), print(woken) end). sleep(10). f().' > loop.lasp
$ lasp run loop.lasp &
warning E0812: a task has had its turn for 10 seconds, and everything else waits for its end",
        ),
    },
];
