// `COPY` and `ADD`, and `HEALTHCHECK` with its flags.
import BerthModel

extension InstructionReader {
    func copy() throws(DockerfileError) -> CopyInstruction {
        let isAdd = name == "ADD"
        let own = isAdd ? ["checksum", "keep-git-dir", "unpack"] : ["from", "parents"]
        try flags.check(["chown", "chmod", "link", "exclude"] + own, lists: ["exclude"])
        let words = try list()
        guard words.count >= 2, let destination = words.last else {
            throw failure(
                "\(name) requires at least two arguments, but \(words.isEmpty ? "none" : "only one") was provided."
                    + " Destination could not be determined",
                "write \(name) SOURCE… DESTINATION")
        }
        if HeredocWord.parse(destination) != nil { throw failure("\(name) cannot accept a heredoc as a destination") }
        var copy = CopyInstruction(isAdd: isAdd, sources: [], destination: destination)
        // Of two with one name the later one is meant.
        let heredocs = Dictionary(line.heredocs.map { ($0.name, $0) }) { $1 }
        for word in words.dropLast() {
            guard let begun = HeredocWord.parse(word) else {
                copy.sources.append(word)
                continue
            }
            // In a JSON array it has no lines.
            copy.heredocs.append(heredocs[begun.name] ?? begun)
        }
        copy.from = try flags.value("from")
        copy.chown = try flags.value("chown")
        copy.chmod = try flags.value("chmod")
        copy.link = try flags.flag("link") ?? false
        copy.parents = try flags.flag("parents") ?? false
        copy.excludes = try flags.values("exclude")
        copy.checksum = try flags.value("checksum")
        copy.keepGitDirectory = try flags.flag("keep-git-dir") ?? false
        copy.unpack = try flags.flag("unpack")
        return copy
    }

    func healthcheck() throws(DockerfileError) -> HealthcheckInstruction {
        let durations = ["interval", "timeout", "start-period", "start-interval"]
        try flags.check(durations + ["retries"])
        let (first, command) = halves()
        if first.isEmpty { throw failure("HEALTHCHECK requires at least one argument", "NONE or CMD") }
        switch first.uppercased() {
        case "NONE":
            if command.isEmpty { return HealthcheckInstruction(command: nil) }
            throw failure("HEALTHCHECK NONE takes no arguments")
        case "CMD": break
        default: throw failure("unknown type \"\(first)\" in HEALTHCHECK (try CMD)")
        }
        let form = try form(command)
        if form == .shell("") || form == .exec([]) { throw failure("missing command after HEALTHCHECK CMD") }
        var check = HealthcheckInstruction(command: form)
        check.interval = try duration("interval")
        check.timeout = try duration("timeout")
        check.startPeriod = try duration("start-period")
        check.startInterval = try duration("start-interval")
        if let text = try flags.value("retries"), !text.isEmpty {
            guard let retries = Int32(text) else { throw failure("--retries: \"\(text)\" is no number") }
            if retries < 0 { throw failure("--retries cannot be negative (\(retries))") }
            check.retries = Int(retries)
        }
        return check
    }

    /// The first word, and what follows it; any white space separates them.
    private func halves() -> (first: String, rest: String) {
        let scalars = rest.unicodeScalars
        let first = scalars.prefix { !$0.properties.isWhitespace }
        return (String(first), String(scalars.dropFirst(first.count)).trimmedOfBlanks)
    }

    private func duration(_ flag: String) throws(DockerfileError) -> Duration? {
        guard let text = try flags.value(flag), !text.isEmpty else { return nil }
        guard let nanoseconds = GoDuration.nanoseconds(text) else {
            throw failure("--\(flag): \"\(text)\" is no duration", "such as 30s, 1m30s or 500ms")
        }
        if nanoseconds < 0 || nanoseconds > 0 && nanoseconds < 1_000_000 {
            throw failure("--\(flag): \"\(text)\" cannot be less than 1ms")
        }
        return .nanoseconds(nanoseconds)
    }
}

/// Go's durations: `1m30s`, `500ms`, `1.5h`.
enum GoDuration {
    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
    ]

    static func nanoseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        var sign = 1.0
        if rest.first == "-" || rest.first == "+" {
            sign = rest.first == "-" ? -1 : 1
            rest = rest.dropFirst()
        }
        if rest == "0" { return 0 }
        if rest.isEmpty { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
            rest = rest.dropFirst(name.count)
            guard let value = Double(digits), let unit = units.first(where: { $0.name == name }) else { return nil }
            total += value * unit.nanoseconds
        }
        return total < 9e18 ? Int64(sign * total) : nil
    }
}
