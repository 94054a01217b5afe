//! E0617 and on: certificates, roles, revocation, and what `lasp keys` refuses.

use crate::source::codes::Explanation;

/// An entry that no program can show.
const fn plain(code: &'static str, title: &'static str, text: &'static str) -> Explanation {
    Explanation { code, title, text, wrong: "", right: "" }
}

pub(super) const CODES: &[Explanation] = &[
    plain(
        "E0617",
        "a certificate is expired, or not valid yet",
        "The certificates of nodes are valid from an hour before they were made, for a year unless told otherwise. The message \
         says whose certificate it is, and which side refused.\n\n\
         Expired: where the cluster's authority is, `lasp keys renew --cluster DIR --node NAME` makes a new one; copy its \
         node.pem into the node's folder. A node that runs takes it up by itself.\n\n\
         Not valid yet: one of the two clocks is wrong. `lasp doctor` compares clocks.",
    ),
    plain(
        "E0618",
        "a certificate was revoked",
        "The cluster's authority has shut this node out with `lasp keys revoke`. Nodes tell each other of revocations, so all of \
         them refuse it.\n\n\
         It cannot be undone. If the node is to take part again, issue a new certificate to it with `lasp keys issue`: it is \
         another node then.",
    ),
    plain(
        "E0619",
        "a node's role does not allow this",
        "A node's role stands in its certificate. A server passes on what others have made, and is believed about it. A client \
         sends its own updates to servers and serves nobody, so that two clients do not connect to each other, and nobody can \
         dial a client.\n\n\
         Dial a server; or issue a server's certificate with `lasp keys issue --role server`.",
    ),
    plain(
        "E0620",
        "the folder is not what the command needs",
        "There are two kinds of folders. The one of the cluster's authority, made by `lasp keys init`, has authority.key and is \
         needed to issue, renew and revoke. The one of a node, made by `lasp keys issue` under nodes/ in the former unless told \
         otherwise, has node.key and node.pem, and is what --cluster of `lasp run` wants.\n\n\
         `lasp keys show DIR` tells what a folder holds.",
    ),
    plain(
        "E0621",
        "the name or folder cannot be used for this",
        "A cluster's folder is made once; a name has one certificate that counts at a time; a node's key is never overwritten. And \
         what is to be renewed or revoked must have been issued by the same authority.\n\n\
         `lasp keys show DIR` lists what was issued.",
    ),
    plain(
        "E0622",
        "the authority has reached a limit",
        "Authorities issue a bounded number of certificates, and their list of revocations, which all nodes keep and pass on, is \
         bounded too.\n\n\
         Make a new cluster with `lasp keys init` and move the nodes to it.",
    ),
    plain(
        "E0623",
        "a peer showed no certificate, or one that cannot be read",
        "Both sides of each connection prove by a certificate of the cluster's authority who they are and what they may do. One \
         side showed none, or one that names no role; the message says which side refused.\n\n\
         Whatever is at the other end is not a node of lasp, or of a release that this one does not know.",
    ),
    plain(
        "E0624",
        "the clocks of two nodes differ",
        "`lasp doctor` asks each peer for its time, and takes half of the round trip as what it cannot know. Beyond that and \
         a few seconds, the clocks differ.\n\n\
         Nodes agree in the end whatever their clocks say. But certificates count by the clock, `now_ms()` and windows go by it, and \
         a register that takes the latest takes that of the clock that is ahead. Have the clocks set by a service (NTP).",
    ),
];
