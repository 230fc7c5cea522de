pub fn greeting() -> &'static str {
    "a workspace done right"
}
