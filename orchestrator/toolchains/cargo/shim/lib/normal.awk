# A path without `.` and `..`, for the scripts that read this one first.

function normal(path,    parts, kept, count, n, i) {
    count = split(path, parts, "/")
    n = 0
    for (i = 1; i <= count; i++) {
        if (parts[i] == "" || parts[i] == ".") continue
        if (parts[i] == "..") { if (n > 0) n--; continue }
        kept[++n] = parts[i]
    }
    path = ""
    for (i = 1; i <= n; i++) path = path "/" kept[i]
    return path == "" ? "/" : path
}
