pub fn greeting() -> &'static str {
    "a loop over the crates: the real one"
}
