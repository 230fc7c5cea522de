fn main() {
    let features = if cfg!(feature = "extra") { "an extra" } else { "no extras" };
    println!("with {features}");
}
