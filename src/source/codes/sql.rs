//! E09: views in SQL.

use crate::source::codes::Example;
use crate::source::codes::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0901",
        title: "this is not a view in SQL",
        text: "\
The text of `sql` does not have the form of a view: `select columns from tables where condition group by columns having
condition`. The message says where in the text, and what is expected there. Text stands in single quotes, keywords may be
written in any case, and names of tables and columns as they are written in the program.",
        example: Example::Program {
            wrong: "Users = declare(set).\nAdults = sql(\"select name Users where age > 17\").\n",
            right: "Users = declare(set).\nAdults = sql(\"select name from Users where age > 17\").\n",
        },
    },
    Explanation {
        code: "E0902",
        title: "there is no such table",
        text: "\
The tables of a view are names of the program's top level that are bound to variables, capital letters and all. A name in a
function's body is not one, nor is the name under which a variable is declared elsewhere.",
        example: Example::Program {
            wrong: "Users = declare(set).\nAll = sql(\"select * from users\").\n",
            right: "Users = declare(set).\nAll = sql(\"select * from Users\").\n",
        },
    },
    Explanation {
        code: "E0903",
        title: "a table is a variable that is there",
        text: "\
When the view is made, each of its tables has to be bound, and to a variable. A name that is bound further down is not there
yet; a name that is bound to a list or a number has nothing that a view could follow: put the data into a set.",
        example: Example::Program {
            wrong: "Users = [#{name => \"ann\"}].\nAll = sql(\"select * from Users\").\n",
            right: "Users = declare(set).\nupdate(Users, {add_all, [#{name => \"ann\"}]}).\nAll = sql(\"select * from Users\").\n",
        },
    },
    Explanation {
        code: "E0904",
        title: "each column of a view has one name",
        text: "\
The rows of a view are maps from its columns' names to values, so each column needs a name of its own. A column that is only
selected keeps its name, and an aggregate has its function's; everything else is given one with `as`.",
        example: Example::Program {
            wrong: "T = declare(set).\nV = sql(\"select a + 1 from T\").\n",
            right: "T = declare(set).\nV = sql(\"select a + 1 as next from T\").\n",
        },
    },
    Explanation {
        code: "E0905",
        title: "columns are qualified with tables of the view",
        text: "\
`t.name` is the column `name` of the table that the view calls `t`: by its own name, or by the one that stands behind it
after `from`. Each table of a view needs a name of its own, which matters when one variable is there twice.",
        example: Example::Program {
            wrong: "Users = declare(set).\nV = sql(\"select u.name from Users\").\n",
            right: "Users = declare(set).\nV = sql(\"select u.name from Users u\").\n",
        },
    },
    Explanation {
        code: "E0906",
        title: "single rows and groups do not mix",
        text: "\
With `group by`, or an aggregate such as `count(*)`, a row of the view stands for many rows. A column that is not grouped by
has many values there: either group by it too, or say which value is meant, with `min` or `max`. The other way round,
conditions in `where` are asked of single rows, before there are groups; conditions on groups stand in `having`.",
        example: Example::Program {
            wrong: "T = declare(set).\nV = sql(\"select name, count(*) as n from T group by city\").\n",
            right: "T = declare(set).\nV = sql(\"select city, count(*) as n from T group by city\").\n",
        },
    },
    Explanation {
        code: "E0907",
        title: "views do not have this part of SQL",
        text: "\
A view is a set of rows that is kept up to date, so it has no order and no limit. Queries in queries are views of views: give
the inner one a name. What other functions would do, `map` and `filter` do, whose result can be a table. In `select all name` and
`select top name` the first word is read as a column that is called `name`, which is hardly meant, and so it is warned of.",
        example: Example::Program {
            wrong: "T = declare(set).\nV = sql(\"select a from T order by a\").\n",
            right: "T = declare(set).\nV = sql(\"select a from T\").\nprint(lists:sort(query(V))).\n",
        },
    },
    Explanation {
        code: "E0908",
        title: "an element of a table is no row",
        text: "\
A row is a map from columns to values. Another element of a table (a tuple, a number) has no columns; it is reported once, and
the view does without it. A map that lacks a column is a row: the column is `undefined` there, and a comparison with it is
neither true nor false.",
        example: Example::Program {
            wrong: "T = declare(set).\nupdate(T, {add, {ann, 22}}).\nV = sql(\"select name from T\").\n",
            right: "T = declare(set).\nupdate(T, {add, #{name => \"ann\", age => 22}}).\nV = sql(\"select name from T\").\n",
        },
    },
    Explanation {
        code: "E0909",
        title: "`sql` needs a text",
        text: "The argument of `sql` is the text of the view: a string, written out or made by the program.",
        example: Example::Program {
            wrong: "T = declare(set).\nV = sql(select_all).\n",
            right: "T = declare(set).\nV = sql(\"select * from T\").\n",
        },
    },
    Explanation {
        code: "E0910",
        title: "no row has such a column",
        text: "\
All rows that the program puts into the table are known, and none of them has a column of this name: it is `null` in each row, and a
comparison with it is neither true nor false. Columns are the keys of the rows' maps, capital letters and all.",
        example: Example::Program {
            wrong: "T = declare(set).\nupdate(T, {add, #{name => \"ann\", age => 22}}).\nV = sql(\"select nam from T\").\n",
            right: "T = declare(set).\nupdate(T, {add, #{name => \"ann\", age => 22}}).\nV = sql(\"select name from T\").\n",
        },
    },
    Explanation {
        code: "E0911",
        title: "a comparison with `null` is never true",
        text: "\
What is not known is neither equal to anything nor different from it, as in SQL: `age = null` holds for no row, and `age <> null`
neither. Whether a column is missing is asked with `is null` and `is not null`.",
        example: Example::Program {
            wrong: "T = declare(set).\nV = sql(\"select name from T where age = null\").\n",
            right: "T = declare(set).\nV = sql(\"select name from T where age is null\").\n",
        },
    },
];
