pub fn say() -> &'static str {
    "truth"
}
