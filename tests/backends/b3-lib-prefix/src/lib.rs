pub fn greeting() -> &'static str {
    "b3: the real library"
}
