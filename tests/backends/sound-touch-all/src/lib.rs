pub fn greeting() -> &'static str {
    "touched as a whole"
}
