pub fn name() -> &'static str {
    "real"
}
