// Programs that serve in a test's namespaces, ended with the test; questions to name servers; patience.
import BerthLinux
import BerthModel
import BerthNetwork
import BerthTesting

/// A program that runs until the test lets go of it.
final class Server: Sendable {
    private let processID: Int32
    private let process: SharedDescriptor
    private let output: SharedDescriptor

    /// - Parameter port: the TCP port that it is ready with; nil: it is ready at once.
    init(_ command: String, in namespace: SharedDescriptor, port: UInt16?) throws {
        (processID, output) = try Shell.start("exec \(command)", in: namespace)
        process = SharedDescriptor(try Process.open(processID))
        guard let port else { return }
        try eventually("\(command) listens") {
            try SocketDiagnostics.listeners(namespace).contains { $0.port == port }
        }
    }

    /// Says its own name and the address of whoever asks, to everybody who connects.
    static func echo(
        _ name: String, port: UInt16, at address: String = "0.0.0.0", in namespace: SharedDescriptor
    ) throws -> Server {
        try Server(
            """
            perl -MIO::Socket::INET -e '
              $s = IO::Socket::INET->new(
                LocalAddr => "\(address)", LocalPort => \(port), Listen => 9, ReuseAddr => 1) or die;
              while ($c = $s->accept) { print $c "\(name) " . $c->peerhost . "\\n"; close $c }'
            """, in: namespace, port: port)
    }

    /// Sends every datagram back to where it came from.
    static func mirror(port: UInt16, in namespace: SharedDescriptor) throws -> Server {
        let server = try Server(
            """
            perl -MIO::Socket::INET -e '
              $s = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => \(port), Proto => "udp") or die;
              while (1) { $s->recv($m, 4096); $s->send($m) }'
            """, in: namespace, port: nil)
        try eventually("a mirror is bound") {
            try SocketDiagnostics.listeners(namespace, datagram: true).contains { $0.port == port }
        }
        return server
    }

    deinit {
        try? Process.signal(process.number, 9)
        _ = try? Process.wait(processID)
    }
}

/// Asks until it is so; fails after ten seconds.
func eventually(_ what: String, _ check: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(10)
    repeat {
        if try check() { return }
        Pause.milliseconds(5)
    } while ContinuousClock.now < end
    throw BerthError(.timedOut, "waiting until \(what)")
}

/// A DNS client, byte by byte.
enum Question {
    static func message(_ name: String, type: UInt16 = DNSQuestion.typeA, id: UInt16 = 0x1234, size: UInt16? = nil)
        -> [UInt8]
    {
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, size == nil ? 0 : 1]
        for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + Array(label.utf8) }
        bytes += [0, UInt8(type >> 8), UInt8(type & 255), 0, 1]
        if let size { bytes += [0, 0, 41, UInt8(size >> 8), UInt8(size & 255), 0, 0, 0, 0, 0, 0] }
        return bytes
    }

    /// Over TCP to the sandbox's name server, as a program in the container would.
    static func ask(_ name: String, type: UInt16 = DNSQuestion.typeA, in namespace: SharedDescriptor) throws -> Answer {
        let message = message(name, type: type)
        let bytes = try NetworkNamespace.inside(namespace) { () throws(SystemError) in
            try InternetSocket.exchange(message, with: [127, 0, 0, 11], port: 53, patienceSeconds: 10)
        }
        return Answer(bytes)
    }
}

/// What a name server said: the code, and the content of its records.
struct Answer: Equatable {
    var code: UInt8
    var isTruncated: Bool
    var records: [[UInt8]] = []
    var addresses: [String] {
        records.filter { $0.count == 4 }.map { $0.map(String.init).joined(separator: ".") }.sorted()
    }

    init(_ bytes: [UInt8]) {
        code = bytes.count > 3 ? bytes[3] & 15 : 255
        isTruncated = bytes.count > 2 && bytes[2] & 2 != 0
        guard bytes.count >= 12 else { return }
        var index = 12
        while index < bytes.count, bytes[index] != 0 { index += Int(bytes[index]) + 1 }
        index += 5
        for _ in 0..<(Int(bytes[6]) << 8 | Int(bytes[7])) {
            guard index + 12 <= bytes.count else { return }
            let length = Int(bytes[index + 10]) << 8 | Int(bytes[index + 11])
            guard index + 12 + length <= bytes.count else { return }
            records.append(Array(bytes[(index + 12)..<(index + 12 + length)]))
            index += 12 + length
        }
    }
}
