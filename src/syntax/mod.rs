//! Text to tree: the characters are examined first, then the grammar, then the builder, which knows the right spelling.

pub mod ast;
