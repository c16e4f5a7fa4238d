// What is answered, before it is written: a status, headers, and bytes or a part of a file.
import BerthLinux
import NIOHTTP1

struct RegistryAnswer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        case file(SharedDescriptor, offset: Int64, count: Int64)
    }

    var status: HTTPResponseStatus
    var headers: [(String, String)]
    var body: Body

    init(_ status: HTTPResponseStatus, _ body: Body = .bytes([]), type: String? = nil) {
        self.status = status
        self.body = body
        headers = type.map { [("Content-Type", $0)] } ?? []
    }

    var count: Int64 {
        switch body {
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, _, let count): count
        }
    }

    mutating func add(_ name: String, _ value: String) { headers.append((name, value)) }
    func adding(_ name: String, _ value: String) -> RegistryAnswer {
        var answer = self
        answer.add(name, value)
        return answer
    }
}

/// `Range: bytes=…` of one range.
enum ByteRange: Equatable {
    case whole
    case part(offset: Int64, count: Int64)
    case unsatisfiable

    /// What is not understood is as if it were not there, as HTTP wants it.
    init(_ text: String?, size: Int64) {
        self = .whole
        guard let text, text.hasPrefix("bytes="), !text.contains(",") else { return }
        let halves = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return
        }
        if halves[0].isEmpty {
            guard let count = Int64(halves[1]) else { return }
            self =
                count == 0 || size == 0 ? .unsatisfiable : .part(offset: max(0, size - count), count: min(size, count))
            return
        }
        guard let first = Int64(halves[0]) else { return }
        guard let last = halves[1].isEmpty ? size - 1 : Int64(halves[1]) else { return }
        guard first < size else {
            self = .unsatisfiable
            return
        }
        guard last >= first else { return }
        self = .part(offset: first, count: min(last, size - 1) - first + 1)
    }
}
