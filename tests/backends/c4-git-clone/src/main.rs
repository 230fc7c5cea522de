fn main() {
    println!("c4: the commit that is checked out here");
}
