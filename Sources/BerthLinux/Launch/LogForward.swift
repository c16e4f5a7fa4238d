// What the shim needs to pass a container's output on to a log daemon.

package struct LogForward: Equatable, Sendable {
    package enum Format: UInt8, Sendable { case journal, local, rfc3164, rfc5424, rfc5424micro }

    package var format: Format
    /// Paths of unix sockets, tried in turn; empty: `host` and `port`.
    package var paths: [String]
    package var host: String
    package var port: UInt16
    /// Nil: whatever the socket at the path is.
    package var isStream: Bool?
    /// RFC 5424's number.
    package var facility: Int
    package var tag: String
    /// `NAME=value` pairs that the journal gets with every line.
    package var fields: [String]
    /// What cannot be sent is lost beyond `pendingBytesMax`, instead of holding the container up.
    package var losesOverflow: Bool
    package var pendingBytesMax: Int

    package init(format: Format, tag: String) {
        self.format = format
        paths = []
        host = ""
        port = 0
        facility = 3
        self.tag = tag
        fields = []
        losesOverflow = false
        pendingBytesMax = 1 << 20
    }

    func write(to w: inout WireWriter) {
        w.u8(format.rawValue); w.texts(paths); w.text(host); w.int(port)
        w.u8(isStream.map { $0 ? 2 : 1 } ?? 0)
        w.int(facility); w.text(tag); w.texts(fields); w.flag(losesOverflow); w.int(pendingBytesMax)
    }

    init(from r: inout WireReader) throws(WireError) {
        guard let format = Format(rawValue: try r.u8()) else { throw WireError("an unknown log format") }
        self.format = format
        paths = try r.texts(); host = try r.text(); port = try r.int()
        switch try r.u8() {
        case 1: isStream = false
        case 2: isStream = true
        default: isStream = nil
        }
        facility = try r.int(); tag = try r.text(); fields = try r.texts()
        losesOverflow = try r.flag(); pendingBytesMax = try r.int()
    }
}
