// Who may come in: `USER:HASH` lines as `htpasswd -B` writes them.
import BerthLinux
import BerthModel
import BerthStore
import CCrypt
import Dispatch
import FoundationEssentials

actor PasswordFile {
    private let hashes: [String: String]
    /// Digests of what was let in before: bcrypt is slow on purpose, and each request brings the login anew.
    private var admitted: Set<Digest> = []
    private let salt = randomBytes(32)
    private static let admittedMax = 1024
    /// Stands for users that are not there, so that the time of an answer tells nothing.
    private static let nobody = "$2y$05$abcdefghijklmnopqrstuuGrLaGEXZTNKtpLnDmJmTtYcmUO2LRqK"
    /// bcrypt looks at no more.
    private static let secretBytesMax = 1024

    /// - Parameter text: the file's content.
    init(_ text: String) throws(BerthError) {
        var hashes: [String: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let halves = line.split(separator: ":", maxSplits: 1).map(String.init)
            guard halves.count == 2, halves[1].hasPrefix("$2"), halves[1].utf8.count == 60 else {
                throw BerthError(
                    .invalid, "reading the password file", cause: "line \(index + 1) is no USER:HASH with bcrypt",
                    hint: "make it with htpasswd -B")
            }
            hashes[halves[0]] = halves[1]
        }
        if hashes.isEmpty {
            throw BerthError(
                .invalid, "reading the password file", cause: "it has no user", hint: "make it with htpasswd -B")
        }
        self.hashes = hashes
    }

    func admits(_ authorization: String?) async -> Bool {
        guard let authorization, authorization.utf8.count < 4096, authorization.lowercased().hasPrefix("basic "),
            let decoded = Data(base64Encoded: String(authorization.dropFirst(6))),
            let login = String(validating: Array(decoded), as: UTF8.self), let colon = login.firstIndex(of: ":")
        else { return false }
        let secret = String(login[login.index(after: colon)...])
        guard !login.utf8.contains(0), secret.utf8.count <= PasswordFile.secretBytesMax else { return false }
        let known = ContentHash.digest(of: salt + Array(login.utf8))
        if admitted.contains(known) { return true }
        let hash = hashes[String(login[..<colon])]
        guard PasswordFile.matches(secret, hash ?? PasswordFile.nobody), hash != nil else { return false }
        if admitted.count >= PasswordFile.admittedMax { admitted = [] }
        admitted.insert(known)
        return true
    }

    /// Blocks for as long as bcrypt takes; the actor lets one in at a time, so guessing cannot take the machine.
    private static func matches(_ secret: String, _ hash: String) -> Bool {
        var state = crypt_data()
        guard let made = crypt_r(secret, hash, &state) else { return false }
        let text = String(cString: made)
        guard text.utf8.count == hash.utf8.count else { return false }
        return zip(text.utf8, hash.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = self
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest.drop { $0.isWhitespace }
    }
}
