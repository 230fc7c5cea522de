fn main() {
    print!("{}", include_str!("../assets/greeting.txt"));
}
