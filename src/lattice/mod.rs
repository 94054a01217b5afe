//! What merges: dots, version vectors, causal stores, sums, rankings, and the laws that they obey. Knows no language.

pub mod dot;
<<<<<<< HEAD
pub mod multiset;
pub mod ranking;
=======
pub mod store;
>>>>>>> replication
pub mod sum;
pub mod vector;
