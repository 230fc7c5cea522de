fn main() {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("d1: the {profile} build");
}
