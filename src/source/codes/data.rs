//! E07: data folders.

use crate::source::codes::Explanation;

/// An entry that no program can show.
const fn plain(code: &'static str, title: &'static str, text: &'static str) -> Explanation {
    Explanation { code, title, text, wrong: "", right: "" }
}

pub(super) const CODES: &[Explanation] = &[
    plain(
        "E1001",
        "the data folder is in use",
        "A data folder belongs to one running node at a time. Another process has this one open.\n\n\
         End the other process, or give this node a folder of its own. `lasp data export` and `lasp data show` also work while \
         a node runs.",
    ),
    plain(
        "E1002",
        "the data folder cannot be used",
        "The folder after --data cannot be made or read, is a file, or holds other things than a node's data.\n\n\
         Name a folder that does not exist yet, or an empty one: it is made into a data folder by the first start.",
    ),
    plain(
        "E1003",
        "the data is damaged",
        "What lies in the data folder is not what was written there: a page, or a value in it, does not bear out. lasp never \
         mends that by itself, since it could only do so by leaving things out.\n\n\
         Bring back a copy (`lasp data import` makes a folder from an export), or move the folder away and start with an empty \
         one: what was replicated comes back from the peers.",
    ),
    plain(
        "E1004",
        "the data was written by a newer release",
        "The format of the data is newer than this release of lasp knows. Nothing was changed.\n\n\
         Start it with the newer release. There, `lasp data export` writes a copy that can be given to others.",
    ),
    plain(
        "E1005",
        "another node runs with the same key",
        "The key in a data folder makes a node that node. Two processes with the same key were seen at the same time, so a data \
         folder, or a folder of keys, was copied, and both copies are in use. No update is lost or taken for another's, since \
         every start has an identity of its own for its updates; but the two would take each other's contributions to \
         `fold_dynamic` for their own old ones. So the second one is not let in.\n\n\
         End one of the two. To have two nodes with the same content, make the second folder by `lasp data export` and \
         `lasp data import`, which gives it a key of its own.",
    ),
    plain(
        "E1006",
        "the data folder is an older copy, or another copy is in use",
        "A peer knows updates of this node that are not in its data folder. What a node has told is always in its folder before \
         it is told; so the folder was brought back from a copy made earlier, or copied and used elsewhere.\n\n\
         Nothing breaks: every start has an identity of its own for its updates, so no update is taken for another, and what \
         was replicated comes back from the peers. What only that node had since, the values of its dynamic variables and what \
         `once` had called, is as it was when the copy was made.",
    ),
    plain(
        "E1007",
        "the data belongs to another node",
        "A data folder belongs to one key. The keys that this node was started with are another node's.\n\n\
         Start it with the keys that the folder was made with. To go on with another key, make another folder by `lasp data \
         export` and `lasp data import`.",
    ),
    plain(
        "E1008",
        "the data cannot be written",
        "What has happened could not be written to the data folder: the disk is full, gone, or broken. Everything that depends on \
         it was held back, so nobody has seen it, and the node ends.\n\n\
         Make room, or mend the disk, and start the node again: it goes on from what was written last, and all that it has \
         shown or told is there.",
    ),
    plain(
        "E1009",
        "others can read the data",
        "The data holds the node's key, and whoever can read it can speak in the node's name. So the file has to be readable by \
         its owner alone (mode 0600).\n\n\
         `chmod 600` it. If others may have copied it, `lasp data export` and `lasp data import` make a folder with another key.",
    ),
    plain(
        "E1010",
        "this is no export",
        "`lasp data import` reads what `lasp data export` has written, whole and unchanged. The file is something else, was cut \
         off, or has changed.\n\n\
         Export again, and copy the file as it is.",
    ),
];
