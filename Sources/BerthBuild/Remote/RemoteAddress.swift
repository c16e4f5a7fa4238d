// Which sources and contexts are not of this host, as BuildKit tells them apart.

enum RemoteAddress: Equatable {
    /// A file that HTTP gives.
    case web(String)
    case git(String)

    /// Nil: it is a path. What a context is called without a scheme (`github.com/…`) no source is.
    init?(_ text: String, isContext: Bool = false) {
        let lower = text.lowercased()
        if lower.hasPrefix("http://") || lower.hasPrefix("https://") {
            let path = text.prefix { $0 != "#" && $0 != "?" }
            self = path.hasSuffix(".git") ? .git(text) : .web(text)
        } else if lower.hasPrefix("git://") || lower.hasPrefix("ssh://") || RemoteAddress.isShort(text) {
            self = .git(text)
        } else if isContext && lower.hasPrefix("github.com/") {
            self = .git("https://\(text)")
        } else {
            return nil
        }
    }

    /// `git@host:path`, as scp writes it.
    private static func isShort(_ text: String) -> Bool {
        guard text.hasPrefix("git@"), let colon = text.firstIndex(of: ":") else { return false }
        return !text[..<colon].contains("/")
    }
}
