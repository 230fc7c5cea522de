fn main() {
    println!("c4: the commit of last week");
}
