fn main() {
    println!("flavour: {}", option_env!("FLAVOUR").unwrap_or("none"));
}
