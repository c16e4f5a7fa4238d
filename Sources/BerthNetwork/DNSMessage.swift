// DNS messages, as far as a name server for containers needs them: one question in, answers out. Bounded, never traps.
import BerthModel

package struct DNSQuestion: Equatable, Sendable {
    package var id: UInt16
    package var name: String
    package var type: UInt16
    package var recursionDesired: Bool
    /// The question section's own bytes, given back as they came.
    package var raw: [UInt8]

    package static let typeA: UInt16 = 1
    package static let typePTR: UInt16 = 12
    package static let typeAAAA: UInt16 = 28

    /// Nil: not a query with exactly one question of the internet class.
    package init?(_ message: [UInt8]) {
        guard message.count >= 17, message.count <= 4096, message[2] & 0x80 == 0, message[4] == 0, message[5] == 1
        else { return nil }
        id = UInt16(message[0]) << 8 | UInt16(message[1])
        recursionDesired = message[2] & 1 != 0
        var labels: [String] = []
        var index = 12
        var length = 0
        while true {
            guard index < message.count else { return nil }
            let count = Int(message[index])
            index += 1
            if count == 0 { break }
            // Compression has no place in a question.
            guard count <= 63, index + count <= message.count else { return nil }
            length += count + 1
            guard length <= 255 else { return nil }
            labels.append(String(decoding: message[index..<(index + count)], as: UTF8.self))
            index += count
        }
        guard index + 4 <= message.count, message[index + 2] & 0x7F == 0, message[index + 3] == 1 else { return nil }
        type = UInt16(message[index]) << 8 | UInt16(message[index + 1])
        name = labels.joined(separator: ".").lowercased()
        raw = Array(message[12..<(index + 4)])
    }
}

package enum DNSAnswer {
    package static let ok: UInt8 = 0
    package static let serverFailure: UInt8 = 2
    package static let noSuchName: UInt8 = 3
    package static let refused: UInt8 = 5
    /// Answers live one second: a replica that is gone must not be asked for longer.
    private static let timeToLive: UInt8 = 1

    private static func head(_ question: DNSQuestion, code: UInt8, answers: Int) -> [UInt8] {
        var message: [UInt8] = []
        append(question.id, to: &message)
        message.append(0x84 | (question.recursionDesired ? 1 : 0))
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

    package static func addresses(_ question: DNSQuestion, _ addresses: [IPv4Address]) -> [UInt8] {
        // 25 records are what a plain UDP answer of 512 bytes holds.
        let some = addresses.prefix(25)
        var message = head(question, code: ok, answers: some.count)
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

    package static func empty(_ question: DNSQuestion, code: UInt8) -> [UInt8] {
        head(question, code: code, answers: 0)
    }
}
