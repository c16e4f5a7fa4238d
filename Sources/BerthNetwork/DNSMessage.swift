// DNS messages, as far as a name server for containers needs them: one question in, answers out. Bounded, never traps.
import BerthModel

package struct DNSQuestion: Equatable, Sendable {
    package var id: UInt16
    /// Lower case, without the dot at the end.
    package var name: String
    package var type: UInt16
    package var recursionDesired: Bool
    /// What the asker takes over UDP: 512 bytes unless its EDNS record says more.
    package var sizeMaxBytes: Int
    /// The question section's own bytes, given back as they came.
    package var raw: [UInt8]

    package static let typeA: UInt16 = 1
    package static let typePTR: UInt16 = 12
    package static let typeAAAA: UInt16 = 28
    package static let typeAny: UInt16 = 255
    static let typeOPT: UInt16 = 41
    static let sizeMinBytes = 512
    /// Larger answers would be fragmented on real networks; the loopback of a sandbox takes them.
    static let sizeLimitBytes = 4096

    /// Nil: not a query with exactly one question of the internet class.
    package init?(_ message: [UInt8]) {
        guard message.count >= 17, message.count <= 4096, message[2] & 0xF8 == 0, message[4] == 0, message[5] == 1
        else {
            return nil
        }
        id = UInt16(message[0]) << 8 | UInt16(message[1])
        recursionDesired = message[2] & 1 != 0
        guard let (labels, end) = DNSQuestion.labels(message, from: 12), end + 4 <= message.count else { return nil }
        guard message[end + 2] == 0, message[end + 3] == 1 else { return nil }
        type = UInt16(message[end]) << 8 | UInt16(message[end + 1])
        name = labels.joined(separator: ".").lowercased()
        raw = Array(message[12..<(end + 4)])
        sizeMaxBytes = DNSQuestion.sizeMinBytes
        let records = Int(message[6]) << 8 | Int(message[7]) + Int(message[8]) << 8 | Int(message[9])
        if records == 0 { sizeMaxBytes = DNSQuestion.extendedSize(message, from: end + 4) ?? sizeMaxBytes }
    }

    /// The labels of a name that has no business being compressed, and where it ends.
    private static func labels(_ message: [UInt8], from start: Int) -> ([String], Int)? {
        var labels: [String] = []
        var index = start
        while index < message.count {
            let count = Int(message[index])
            index += 1
            if count == 0 { return (labels, index) }
            guard count <= 63, index + count <= message.count, index + count - start <= 255 else { return nil }
            labels.append(String(decoding: message[index..<(index + count)], as: UTF8.self))
            index += count
        }
        return nil
    }

    /// The size in the EDNS record, which stands first among the additional ones where anybody sends it.
    private static func extendedSize(_ message: [UInt8], from start: Int) -> Int? {
        guard message[10] != 0 || message[11] != 0, start + 11 <= message.count, message[start] == 0 else { return nil }
        guard UInt16(message[start + 1]) << 8 | UInt16(message[start + 2]) == typeOPT else { return nil }
        let size = Int(message[start + 3]) << 8 | Int(message[start + 4])
        return min(max(size, sizeMinBytes), sizeLimitBytes)
    }
}

package enum DNSAnswer {
    package static let ok: UInt8 = 0
    package static let formatError: UInt8 = 1
    package static let serverFailure: UInt8 = 2
    package static let noSuchName: UInt8 = 3
    package static let notImplemented: UInt8 = 4
    package static let refused: UInt8 = 5
    /// Answers live one second: a replica that is gone must not be asked for longer.
    private static let timeToLive: UInt8 = 1

    private static func head(
        _ question: DNSQuestion, code: UInt8, answers: Int, isAuthority: Bool = true, isTruncated: Bool = false
    ) -> [UInt8] {
        var message: [UInt8] = []
        append(question.id, to: &message)
        message.append(0x80 | (isAuthority ? 4 : 0) | (isTruncated ? 2 : 0) | (question.recursionDesired ? 1 : 0))
        message.append(0x80 | code)
        append(1, to: &message)
        append(UInt16(answers), to: &message)
        append(0, to: &message)
        append(0, to: &message)
        message += question.raw
        return message
    }

    private static func append(_ value: UInt16, to message: inout [UInt8]) {
        message.append(UInt8(value >> 8))
        message.append(UInt8(value & 255))
    }

    /// A record for the question's own name (a pointer to offset 12).
    private static func record(_ type: UInt16, _ content: [UInt8]) -> [UInt8] {
        var record: [UInt8] = [0xC0, 12]
        append(type, to: &record)
        append(1, to: &record)
        record += [0, 0, 0, timeToLive]
        append(UInt16(content.count), to: &record)
        return record + content
    }

    /// - Parameter limit: what fits; where not all addresses do, the asker is told to come again over TCP.
    package static func addresses(_ question: DNSQuestion, _ addresses: [IPv4Address], limit: Int) -> [UInt8] {
        let room = max(0, (limit - 12 - question.raw.count) / 16)
        let some = addresses.prefix(min(room, 4000))
        var message = head(question, code: ok, answers: some.count, isTruncated: some.count < addresses.count)
        for address in some { message += record(DNSQuestion.typeA, address.bytes) }
        return message
    }

    package static func pointer(_ question: DNSQuestion, _ name: String) -> [UInt8] {
        var target: [UInt8] = []
        for label in name.split(separator: ".") {
            let bytes = Array(label.utf8.prefix(63))
            target.append(UInt8(bytes.count))
            target += bytes
        }
        target.append(0)
        return head(question, code: ok, answers: 1) + record(DNSQuestion.typePTR, target)
    }

    /// An answer of ours without records.
    package static func empty(_ question: DNSQuestion, code: UInt8) -> [UInt8] {
        head(question, code: code, answers: 0)
    }

    /// For what could not be read as a question: its id and what was wrong; nil where not even that can be said.
    package static func refusal(_ message: [UInt8]) -> [UInt8]? {
        // Nothing that is an answer itself is ever answered: two servers would talk for ever.
        guard message.count >= 12, message[2] & 0x80 == 0 else { return nil }
        let code = message[2] & 0x78 == 0 ? formatError : notImplemented
        return [message[0], message[1], 0x80 | (message[2] & 0x79), 0x80 | code, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    /// What a server upstream said, under the asker's own id; too large for the asker: "come again over TCP".
    package static func relayed(_ answer: [UInt8], _ question: DNSQuestion, limit: Int) -> [UInt8] {
        if answer.count > limit {
            return head(question, code: answer[3] & 15, answers: 0, isAuthority: false, isTruncated: true)
        }
        var own = answer
        own[0] = UInt8(question.id >> 8)
        own[1] = UInt8(question.id & 255)
        return own
    }

    /// Whether a message answers this question, sent with this id. Case may differ: some servers give back their own.
    package static func answers(_ message: [UInt8], id: UInt16, _ question: DNSQuestion) -> Bool {
        guard message.count >= 12 + question.raw.count, message[2] & 0x80 != 0 else { return false }
        guard UInt16(message[0]) << 8 | UInt16(message[1]) == id, message[4] == 0, message[5] == 1 else { return false }
        return zip(message[12...], question.raw).allSatisfy { lower($0) == lower($1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
