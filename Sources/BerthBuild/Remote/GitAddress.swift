// `https://host/repository.git#REF:DIRECTORY`, as docker build reads it.

struct GitAddress: Equatable, CustomStringConvertible {
    /// What git is asked for; no fragment.
    var remote: String
    /// A branch, a tag, a commit or a full name; nil: what the remote holds to be its head.
    var reference: String?
    /// A directory of the repository; nil: all of it.
    var directory: String?

    enum Trouble: Error, Equatable {
        /// Its protocol asks for keys that a build does not have.
        case protocolIsNotSpoken
        case malformed(String)

        var text: String {
            switch self {
            case .protocolIsNotSpoken: "only https, http and git are spoken: a build has no keys for ssh"
            case .malformed(let text): text
            }
        }
    }

    init(_ text: String) throws(Trouble) {
        let mark = text.firstIndex(of: "#")
        remote = mark.map { String(text[..<$0]) } ?? text
        let lower = remote.lowercased()
        guard let scheme = ["http://", "https://", "git://"].first(where: lower.hasPrefix) else {
            throw .protocolIsNotSpoken
        }
        let host = remote.dropFirst(scheme.utf8.count).prefix { $0 != "/" }
        guard !host.isEmpty, !host.hasPrefix("-"), !host.contains("@"),
            remote.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .malformed("expected https://HOST/PATH.git, without a user") }
        guard let mark else { return }
        let halves = text[text.index(after: mark)...].split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false
        ).map(String.init)
        if !halves[0].isEmpty {
            guard GitAddress.isReference(halves[0]) else {
                throw .malformed("\"\(halves[0])\" is no branch, tag or commit")
            }
            reference = halves[0]
        }
        if halves.count == 2, !halves[1].isEmpty {
            let parts = halves[1].split(separator: "/").filter { $0 != "." }
            guard !parts.contains(".."), !halves[1].utf8.contains(0) else {
                throw .malformed("the directory \"\(halves[1])\" leads out of the repository")
            }
            if !parts.isEmpty { directory = parts.joined(separator: "/") }
        }
    }

    /// As git-check-ref-format has it, and nothing that could be read as an option.
    private static func isReference(_ text: String) -> Bool {
        text.utf8.count <= 255 && !text.hasPrefix("-") && !text.hasSuffix("/") && !text.hasSuffix(".lock")
            && !text.contains("..") && !text.contains("@{") && !text.contains("//")
            && text.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0.value != 0x7F && !"~^:?*[\\".unicodeScalars.contains($0)
            }
    }

    var description: String { remote + (reference.map { "#\($0)" } ?? "") }
}
