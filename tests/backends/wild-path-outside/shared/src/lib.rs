pub fn greeting() -> u8 {
    42
}
