// The short forms of mounts, devices and ports, read as compose and Docker read them.
import BerthModel

/// `[source:]target[:modes]`.
struct ShortVolume {
    var isBind = false
    var source = ""
    var target = ""
    var readOnly = false
    var noCopy = false
    var propagation: String?
    var label: String?
    /// A spec of one or two characters is a target and nothing else.
    var isBare = false

    static func parse(_ node: Node, _ path: TreePath, _ remarks: Remarks) -> ShortVolume? {
        guard let text = node.string else { return nil }
        do throws(Problem) { return try parse(text) } catch {
            remarks.error(
                node.mark, path, "invalid volume \"\(text)\": \(error.message)",
                suggestion: "write [source:]target[:mode]")
            return nil
        }
    }

    struct Problem: Error { let message: String }
    private static let propagations: Set<String> = ["rprivate", "private", "rshared", "shared", "rslave", "slave"]

    private static func parse(_ text: String) throws(Problem) -> ShortVolume {
        var volume = ShortVolume()
        if text.isEmpty { throw Problem(message: "it is empty") }
        if text.utf8.count <= 2 {
            volume.target = text
            volume.isBare = true
            return volume
        }
        var sections: [String] = []
        var current = ""
        for character in text.unicodeScalars {
            if character == ":"
                && !(current.unicodeScalars.count == 1 && current.unicodeScalars.first?.properties.isAlphabetic == true)
            {
                sections.append(current)
                current = ""
            } else {
                current.unicodeScalars.append(character)
            }
        }
        sections.append(current)
        if sections.contains("") { throw Problem(message: "a part between colons is empty") }
        if sections.count > 3 { throw Problem(message: "it has too many colons") }
        if sections.count == 1 {
            volume.target = sections[0]
        } else {
            volume.source = sections[0]
            volume.target = sections[1]
        }
        for option in sections.count == 3 ? sections[2].split(separator: ",").map(String.init) : [] {
            switch option {
            case "ro": volume.readOnly = true
            case "rw": volume.readOnly = false
            case "nocopy": volume.noCopy = true
            case "z", "Z": volume.label = option
            default: if propagations.contains(option) { volume.propagation = option }
            }
        }
        volume.isBind = isPath(volume.source)
        return volume
    }

    /// What is a path of the host, and not a volume's name.
    static func isPath(_ source: String) -> Bool {
        guard let first = source.unicodeScalars.first else { return false }
        if first == "." || first == "/" || first == "~" || source.hasPrefix("\\\\") { return true }
        return first.properties.isAlphabetic && source.unicodeScalars.dropFirst().first == ":"
    }

    func node(at mark: Mark) -> Node {
        var entries: [Node.Entry] = []
        func add(_ key: String, _ value: Node.Value) {
            entries.append(.init(key: key, mark: mark, value: Node(value, at: mark)))
        }
        add("type", .string(isBind ? "bind" : "volume"))
        if !source.isEmpty { add("source", .string(source)) }
        add("target", .string(PathText.cleanTarget(target)))
        if readOnly { add("read_only", .bool(true)) }
        if isBind || propagation != nil || label != nil {
            var bind: [Node.Entry] = []
            func option(_ key: String, _ value: Node.Value) {
                bind.append(.init(key: key, mark: mark, value: Node(value, at: mark)))
            }
            if let label { option("selinux", .string(label)) }
            if let propagation { option("propagation", .string(propagation)) }
            if isBind { option("create_host_path", .bool(true)) }
            add("bind", .mapping(bind))
        }
        if !isBare && !isBind || noCopy {
            let copy = noCopy ? [Node.Entry(key: "nocopy", mark: mark, value: Node(.bool(true), at: mark))] : []
            add("volume", .mapping(copy))
        }
        return Node(.mapping(entries), at: mark)
    }
}

/// `host[:container[:rwm]]`, or a CDI name.
struct ShortDevice {
    let source: String
    let target: String
    let permissions: String

    static func parse(_ text: String) -> ShortDevice? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3 else { return nil }
        let target = parts.count > 1 ? parts[1] : ""
        return ShortDevice(
            source: parts[0], target: target.isEmpty ? parts[0] : target,
            permissions: parts.count > 2 ? parts[2] : "rwm")
    }
}

/// `[[address:]host:]container[/protocol]`, with ranges.
struct ShortPort {
    let address: String
    /// A number or a range; empty: any free port.
    let published: String
    let target: Int
    let transport: String

    struct Problem: Error { let message: String }

    /// One for each container port, in the order of their text, as compose gives them.
    static func parse(_ text: String) throws(Problem) -> [ShortPort] {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var address = parts.dropLast(2).joined(separator: ":")
        let host = parts.count > 1 ? parts[parts.count - 2] : ""
        let (container, transport) = transport(of: parts[parts.count - 1])
        if address.hasPrefix("[") {
            guard address.hasSuffix("]"), address.count > 2 else {
                throw Problem(message: "\"\(address)\" is not an address")
            }
            address = String(address.dropFirst().dropLast())
        } else if address.contains(":") {
            throw Problem(message: "an IPv6 address stands in brackets")
        }
        if !address.isEmpty && !AddressText.isAddress(address) {
            throw Problem(message: "\"\(address)\" is not an IP address")
        }
        if container.isEmpty { throw Problem(message: "there is no container port") }
        let targets = try range(container)
        let sources = host.isEmpty ? nil : try range(host)
        if let sources, sources.count != targets.count, targets.count > 1 {
            throw Problem(message: "\(host) and \(container) are ranges of different length")
        }
        guard ["tcp", "udp", "sctp"].contains(transport.lowercased()) else {
            throw Problem(message: "\"\(transport)\" is no protocol: tcp, udp or sctp")
        }
        if targets.lowerBound == 0 { throw Problem(message: "0 is no container port") }
        let ports = targets.enumerated().map { offset, target in
            var published = ""
            if let sources {
                published = "\(Int(sources.lowerBound) + offset)"
                if targets.count == 1 && sources.count > 1 { published += "-\(sources.upperBound)" }
            }
            return ShortPort(
                address: address, published: published, target: Int(target), transport: transport.lowercased())
        }
        return ports.sorted { "\($0.target)/" < "\($1.target)/" }
    }

    private static func transport(of text: String) -> (String, String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts[0].isEmpty { return ("", "") }
        return (parts[0], parts.count > 1 && !parts[1].isEmpty ? parts[1] : "tcp")
    }

    private static func range(_ text: String) throws(Problem) -> ClosedRange<UInt16> {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        func port(_ text: String) throws(Problem) -> UInt16 {
            guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text) else {
                throw Problem(message: "\(text.isEmpty ? "nothing" : text) is not a port from 1 to 65535")
            }
            return port
        }
        let first = try port(parts[0])
        guard parts.count > 1 else { return first...first }
        let last = try port(parts[1])
        guard first <= last else { throw Problem(message: "the range \(text) ends before it begins") }
        return first...last
    }

    func node(at mark: Mark) -> Node {
        var entries: [Node.Entry] = []
        func add(_ key: String, _ value: Node.Value) {
            entries.append(.init(key: key, mark: mark, value: Node(value, at: mark)))
        }
        add("mode", .string("ingress"))
        if !address.isEmpty { add("host_ip", .string(address)) }
        add("target", .int(Int64(target)))
        if !published.isEmpty { add("published", .string(published)) }
        add("protocol", .string(transport))
        return Node(.mapping(entries), at: mark)
    }
}

/// IP addresses as text.
enum AddressText {
    static func isAddress(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard !part.isEmpty, part.count <= 3, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                    let value = Int(part)
                else { return false }
                return value <= 255 && (part.count == 1 || !part.hasPrefix("0"))
            }
    }

    static func isIPv6(_ text: String) -> Bool {
        guard text.contains(":"), !text.contains(":::") else { return false }
        let halves = text.components(separatedBy: "::")
        guard halves.count <= 2 else { return false }
        var groups = 0
        for (number, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                let isLast = index == parts.count - 1 && number == halves.count - 1
                if isLast && part.contains(".") {
                    guard isIPv4(String(part)) else { return false }
                    groups += 2
                    continue
                }
                guard (1...4).contains(part.count), part.allSatisfy(\.isHexDigit) else { return false }
                groups += 1
            }
        }
        return halves.count == 2 ? groups <= 7 : groups == 8
    }
}

extension String {
    func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        parts.append(String(rest))
        return parts
    }
}
