fn main() {
    let clock = if cfg!(feature = "fake-clock") { "fake" } else { "real" };
    println!("d7: the clock is {clock}");
}
