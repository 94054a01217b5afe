//! E07: data folders.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E1001",
        title: "the data folder is in use",
        text: "A data folder belongs to one running node at a time. Another process has this one open.\n\n\
         End the other process, or give this node a folder of its own. `lasp data export` and `lasp data show` also work while \
         a node runs.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --data shop --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run shop.lasp --data shop
error E1001: the data folder shop is in use by another process",
        ),
    },
    Explanation {
        code: "E1002",
        title: "the data folder cannot be used",
        text: "The folder after --data cannot be made or read, is a file, or holds other things than a node's data.\n\n\
         Name a folder that does not exist yet, or an empty one: it is made into a data folder by the first start.",
        example: Example::Session(
            r"$ echo hello > notes
$ echo 'S = declare(set).' | lasp run - --data notes
error E1002: the data folder notes cannot be used: ..",
        ),
    },
    Explanation {
        code: "E1003",
        title: "the data is damaged",
        text: "What lies in the data folder is not what was written there: a page, or a value in it, does not bear out. lasp never \
         mends that by itself, since it could only do so by leaving things out.\n\n\
         Bring back a copy (`lasp data import` makes a folder from an export), or move the folder away and start with an empty \
         one: what was replicated comes back from the peers.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' | lasp run - --data shop
S = []
$ head -c 5000 shop/data.redb > part
$ cat part > shop/data.redb
$ lasp data show shop
error E1003: the data in shop is damaged: ..",
        ),
    },
    Explanation {
        code: "E1004",
        title: "the data was written by a newer release",
        text: "The format of the data is newer than this release of lasp knows. Nothing was changed.\n\n\
         Start it with the newer release. There, `lasp data export` writes a copy that can be given to others.",
        example: Example::Test { file: "src/store/tests/mod.rs", name: "a_newer_format_is_refused_and_left_as_it_is" },
    },
    Explanation {
        code: "E1005",
        title: "another node runs with the same key",
        text: "The key in a data folder makes a node that node. Two processes with the same key were seen at the same time, so a data \
         folder, or a folder of keys, was copied, and both copies are in use. No update is lost or taken for another's, since \
         every start has an identity of its own for its updates; but the two would take each other's contributions to \
         `fold_dynamic` for their own old ones. So the second one is not let in.\n\n\
         End one of the two. To have two nodes with the same content, make the second folder by `lasp data export` and \
         `lasp data import --shared`, which gives it a key of its own and nothing that is the first one's own.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --data first
S = []
$ cp -r first second
$ lasp run shop.lasp --data first --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run shop.lasp --data second --peers 127.0.0.1:7001 &
refused 127.0.0.1:7001: the peer refused this node: another node runs with the same key (E1005)",
        ),
    },
    Explanation {
        code: "E1006",
        title: "the data folder is an older copy, or another copy is in use",
        text: "A peer knows updates of this node that are not in its data folder. What a node has told is always in its folder before \
         it is told; so the folder was brought back from a copy made earlier, or copied and used elsewhere.\n\n\
         Nothing breaks: every start has an identity of its own for its updates, so no update is taken for another, and what \
         was replicated comes back from the peers. What only that node had since, the values of its dynamic variables and what \
         `once` had called, is as it was when the copy was made.\n\n\
         Two nodes that go on from the same contributions to `fold_dynamic` would count them twice. So for a second node beside the first, \
         make its folder by `lasp data export` and `lasp data import --shared`, which leaves out what is the first one's own; without \
         --shared the new folder goes on in the place of the first.",
        example: Example::Session(
            r"$ echo 'S = declare(set), update(S, {add, 1}).' > shop.lasp
$ lasp run shop.lasp --listen 127.0.0.1:7001 &
listening on 127.0.0.1:7001
$ lasp run shop.lasp --data first
S = [1]
$ cp -r first second
$ lasp run shop.lasp --data first --peers 127.0.0.1:7001 --until true
S = [1]
$ lasp run shop.lasp --data second --peers 127.0.0.1:7001 &
warning E1006: the peer .. knows updates of this node that are not in its data",
        ),
    },
    Explanation {
        code: "E1007",
        title: "the data belongs to another node",
        text: "A data folder belongs to one key. The keys that this node was started with are another node's.\n\n\
         Start it with the keys that the folder was made with. To go on with another key, make another folder by `lasp data \
         export` and `lasp data import`.",
        example: Example::Session(
            r"$ lasp keys init shop
$ lasp keys issue --cluster shop --node berlin --role server
$ lasp keys issue --cluster shop --node bremen --role server
$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --cluster shop/nodes/berlin --data data
S = []
$ lasp run shop.lasp --cluster shop/nodes/bremen --data data
error E1007: the data in data belongs to another node than these keys",
        ),
    },
    Explanation {
        code: "E1008",
        title: "the data cannot be written",
        text: "What has happened could not be written to the data folder: the disk is full, gone, or broken. Everything that depends on \
         it was held back, so nobody has seen it, and the node ends.\n\n\
         Make room, or mend the disk, and start the node again: it goes on from what was written last, and all that it has \
         shown or told is there.",
        example: Example::Test {
            file: "src/store/tests/disk.rs",
            name: "a_disk_that_is_full_at_any_write_loses_nothing_and_says_so",
        },
    },
    Explanation {
        code: "E1009",
        title: "others can read the data",
        text: "The data holds the node's key, and whoever can read it can speak in the node's name. So the file has to be readable by \
         its owner alone (mode 0600).\n\n\
         `chmod 600` it. If others may have copied it, `lasp data export` and `lasp data import` make a folder with another key.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --data shop
S = []
$ chmod 644 shop/data.redb
$ lasp run shop.lasp --data shop
error E1009: the data file shop/data.redb can be read by other users
  help: chmod 600 shop/data.redb",
        ),
    },
    Explanation {
        code: "E1010",
        title: "this is no export",
        text: "`lasp data import` reads what `lasp data export` has written, whole and unchanged. The file is something else, was cut \
         off, or has changed.\n\n\
         Export again, and copy the file as it is; `lasp data show FILE` says whether an export is whole, and what is in it.",
        example: Example::Session(
            r"$ echo hello > shop.backup
$ lasp data import shop.backup shop
error E1010: shop.backup is not a whole export: ..",
        ),
    },
    Explanation {
        code: "E1011",
        title: "rights that a node had cannot be used after its restart",
        text: "A node takes the rights of its bounded counters along from one start to the next if it is certain that nobody else spends \
         them, and that it knows what was spent. A data folder cannot tell: a copy of it says the same. So a small file of the node's, in \
         the folder `rights` of the user's configuration, counts along. That file is not there, or tells of more than the data \
         folder knows: the folder was copied, moved to another machine or user, brought back from a backup, or is in use elsewhere.\n\n\
         The counters keep their values, and what was not spent cannot be spent any more; `increment` makes new rights, and other \
         nodes give some of theirs. Whoever moves a data folder moves that file along, while the node does not run.",
        example: Example::Session(
            r"$ echo 'Stock = declare(bcounter). update(Stock, increment). update(Stock, decrement).' > shop.lasp
$ lasp run shop.lasp --data shop
Stock = 0
$ cp -r shop copy
$ lasp run shop.lasp --data shop
Stock = 0
$ lasp run shop.lasp --data copy
warning E1011: rights of bounded counters that this node had cannot be used: ..",
        ),
    },
    Explanation {
        code: "E1012",
        title: "the data of a node that runs is gone",
        text: "The folder after --data, or the file in it, was deleted or moved away while the node ran, or another file took its place. \
         What a node goes on to write then is in a file without a name, which vanishes with the process. So it ends: what it had told \
         before was in the folder, and what it made since was held back, so nobody has seen it. A node that has nothing to write \
         notices within a second or two.\n\n\
         Where the folder was moved, bring it back and start the node again. Where it was deleted, the node is a new one after its next \
         start: what was replicated comes back from the peers.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ (sleep 2; rm -r shop) &
$ lasp run shop.lasp --data shop --listen 127.0.0.1:7001
listening on 127.0.0.1:7001
error E1012: the data folder shop has lost the data of this node: its file was deleted, or moved away",
        ),
    },
    Explanation {
        code: "E1013",
        title: "the copy of the data cannot be written",
        text: "`lasp data export` could not write the copy: its folder is not there, this user may not write to it, or the disk is full. \
         Or a file of that name is there, which may be the backup of another day. `lasp data import` could not write the folder. \
         The data is as it was, and a node that runs goes on.\n\n\
         Name a place that this user can write to, with room for it; with `--force` an export takes the place of a file that is there.",
        example: Example::Session(
            r"$ echo 'S = declare(set).' > shop.lasp
$ lasp run shop.lasp --data shop
S = []
$ lasp data export shop not/there
error E1013: the copy not/there cannot be written: ..
$ lasp data export shop shop.backup
exported shop to shop.backup
$ lasp data export shop shop.backup
error E1013: the copy shop.backup is not written: there is a file of that name",
        ),
    },
];
