//! E0617 and on: certificates, roles, revocation, and what `lasp keys` refuses.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0617",
        title: "a certificate is expired, or not valid yet",
        text: "The certificates of nodes are valid from an hour before they were made, for a year unless told otherwise. The message \
         says whose certificate it is, and which side refused.\n\n\
         Expired: where the cluster's authority is, `lasp keys renew --cluster DIR --node NAME` makes a new one; copy its \
         node.pem into the node's folder. A node that runs takes it up by itself.\n\n\
         Not valid yet: one of the two clocks is wrong. `lasp doctor` compares clocks.",
        example: Example::Test {
            file: "src/net/authority.rs",
            name: "a_node_that_is_renewed_stays_the_node_that_it_was",
        },
    },
    Explanation {
        code: "E0618",
        title: "a certificate was revoked",
        text: "The cluster's authority has shut this node out with `lasp keys revoke`. Nodes tell each other of revocations, so all of \
         them refuse it.\n\n\
         It cannot be undone. If the node is to take part again, issue a new certificate to it with `lasp keys issue`: it is \
         another node then.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node berlin --role server
$ lasp keys revoke --cluster shop --node berlin
$ cp shop/revoked.pem shop/nodes/berlin
$ echo 'S = declare(set).' | lasp run - --cluster shop/nodes/berlin
error E0618: the certificate of berlin was revoked",
        ),
    },
    Explanation {
        code: "E0619",
        title: "a node's role does not allow this",
        text: "A node's role stands in its certificate. A server passes on what others have made, and is believed about it. A client \
         sends its own updates to servers and serves nobody, so that two clients do not connect to each other, and nobody can \
         dial a client.\n\n\
         Dial a server; or issue a server's certificate with `lasp keys issue --role server`.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node till
$ echo 'S = declare(set).' | lasp run - --cluster shop/nodes/till --listen 127.0.0.1:7001
error E0619: till is a client by its certificate, and clients serve nobody: it needs a peer to join",
        ),
    },
    Explanation {
        code: "E0620",
        title: "the folder is not what the command needs",
        text: "There are two kinds of folders. The one of the cluster's authority, made by `lasp keys init`, has authority.key and is \
         needed to issue, renew and revoke. The one of a node, made by `lasp keys issue` under nodes/ in the former unless told \
         otherwise, has node.key and node.pem, and is what --cluster of `lasp run` wants.\n\n\
         `lasp keys show DIR` tells what a folder holds.",
        example: Example::Session(
            r"$ mkdir shop
$ lasp keys issue --cluster shop --node berlin
error E0620: shop is not the folder of a cluster's authority: it has no authority.key",
        ),
    },
    Explanation {
        code: "E0621",
        title: "the name or folder cannot be used for this",
        text: "A cluster's folder is made once; a name has one certificate that counts at a time; a node's key is never overwritten. And \
         what is to be renewed or revoked must have been issued by the same authority.\n\n\
         `lasp keys show DIR` lists what was issued.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys init shop
error E0621: shop is the folder of a cluster's authority already",
        ),
    },
    Explanation {
        code: "E0622",
        title: "the authority has reached a limit",
        text: "Authorities issue a bounded number of certificates, and their list of revocations, which all nodes keep and pass on, is \
         bounded too.\n\n\
         Make a new cluster with `lasp keys init` and move the nodes to it.",
        example: Example::Session(
            r"$ lasp keys init shop
$ mkdir -p shop/issued
$ (cd shop/issued && seq -f '%.0f.pem' 100000 | xargs touch)
$ lasp keys issue --cluster shop --node berlin --role server
error E0622: this authority has issued 100000 certificates, and one may issue no more",
        ),
    },
    Explanation {
        code: "E0623",
        title: "a peer showed no certificate, or one that cannot be read",
        text: "Both sides of each connection prove by a certificate of the cluster's authority who they are and what they may do. One \
         side showed none, or one that names no role; the message says which side refused.\n\n\
         Whatever is at the other end is not a node of lasp, or of a release that this one does not know.",
        example: Example::Test {
            file: "src/net/tests.rs",
            name: "strangers_without_certificate_or_with_another_protocol_are_refused",
        },
    },
    Explanation {
        code: "E0624",
        title: "the clocks of two nodes differ",
        text: "`lasp doctor` asks each peer for its time, and takes half of the round trip as what it cannot know. Beyond that and \
         a few seconds, the clocks differ. A node that runs tells it, once, of the first peer that it connects with whose clock is so far off.\n\n\
         Nodes agree in the end whatever their clocks say. But certificates count by the clock, `now_ms()` and windows go by it, and \
         a register that takes the latest takes that of the clock that is ahead. Have the clocks set by a service (NTP).",
        example: Example::Test {
            file: "src/cli/doctor.rs",
            name: "clocks_count_as_apart_only_beyond_what_the_round_trip_leaves_open",
        },
    },
];
