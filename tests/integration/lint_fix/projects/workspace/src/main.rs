fn main() {
    println!("library: {}, member: {}, script: {}", app::name(), member::name(), env!("SCRIPT"));
}
