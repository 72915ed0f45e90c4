//! States from inside.
