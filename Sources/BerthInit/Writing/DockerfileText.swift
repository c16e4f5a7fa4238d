// Pieces of Dockerfiles that languages share: words as JSON, users, health checks, the end of the last stage.
import BerthModel

enum DockerfileText {
    /// `["a", "b"]`
    static func array(_ words: [String]) -> String {
        "[" + words.map { JSONString.quoted($0) }.joined(separator: ", ") + "]"
    }

    /// A path as one word of an instruction; what a word cannot hold goes as JSON.
    static func copy(_ sources: [String], to destination: String) -> String {
        let words = sources + [destination]
        let isPlain = words.allSatisfy { word in
            word.utf8.allSatisfy { byte in
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "._-/+@".utf8.contains(byte)
            }
        }
        return isPlain ? "COPY \(words.joined(separator: " "))" : "COPY \(array(words))"
    }

    /// A user of its own, in images made from Debian or Ubuntu.
    static let addsUser = "RUN useradd --uid 10001 --create-home app"

    /// Stages, an empty line between them, and what none of them needs left out.
    static func stages(_ stages: [[String?]]) -> String {
        stages.map { $0.compactMap { $0 }.joined(separator: "\n") }.filter { !$0.isEmpty }
            .joined(separator: "\n\n") + "\n"
    }

    /// How to ask a service whether it answers, with what its image has.
    enum Asking {
        case python, node, bun, bash, wget

        fileprivate func words(_ port: Int, _ path: String?) -> [String] {
            let address = "http://127.0.0.1:\(port)\(path ?? "/")"
            let limit = path == nil ? 500 : 400
            switch self {
            case .python:
                return [
                    "python", "-c",
                    "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', \(port), timeout=2); "
                        + "c.request('GET', '\(path ?? "/")'); sys.exit(c.getresponse().status >= \(limit))",
                ]
            case .node, .bun:
                let program = self == .node ? "node" : "bun"
                return [
                    program, "-e",
                    "fetch('\(address)').then(r => process.exit(r.status < \(limit) ? 0 : 1), () => process.exit(1))",
                ]
            case .bash:
                let request = "GET \(path ?? "/") HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n"
                return [
                    "bash", "-c",
                    "exec 3<>/dev/tcp/127.0.0.1/\(port) && printf '\(request)' >&3 "
                        + "&& read -r _ status _ <&3 && [ \"$status\" -lt \(limit) ]",
                ]
            case .wget: return ["wget", "-q", "-O", "/dev/null", address]
            }
        }
    }

    /// From the ports on: the same for every language.
    static func ending(_ image: ImageFindings, _ asking: Asking, stopSignal: String? = nil) -> [String?] {
        let health = image.port.map { port in
            "HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \\\n    CMD "
                + array(asking.words(port, image.healthPath))
        }
        return [
            image.port.map { "EXPOSE \($0)" }, stopSignal.map { "STOPSIGNAL \($0)" }, health,
            image.start.map { "CMD \(array($0))" }
                ?? "# Nothing says what starts this project: write it here.\n# CMD [\"program\", \"argument\"]",
        ]
    }
}
