//! The claim `figures`: what the documents say in numbers, measured.

mod allocations;
mod documents;
mod sizes;
mod times;

pub(crate) fn all() {
    println!("sizes");
    let measured = sizes::all();
    println!("allocations");
    allocations::all();
    println!("times, some seconds");
    let times = times::all();
    println!("what the documents say");
    documents::all(&measured, &times);
}
