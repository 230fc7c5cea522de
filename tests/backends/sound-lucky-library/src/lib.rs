pub fn greeting() -> &'static str {
    "lucky to have a library"
}
