// Records as log daemons read them: systemd's native protocol, and syslog in the forms that Docker writes.
import BerthLinux
import CLinux

struct LogRecordText {
    private let forward: LogForward
    private let hostName: [UInt8]
    /// The journal's fields are the same for every record.
    private let fields: [UInt8]

    init(_ forward: LogForward) {
        self.forward = forward
        var name = utsname()
        uname(&name)
        hostName = withUnsafeBytes(of: &name.nodename) { Array($0.prefix { $0 != 0 }) }
        var fields: [UInt8] = []
        for pair in forward.fields {
            let parts = pair.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            LogRecordText.field(String(Substring(parts[0])), parts.count == 2 ? Array(parts[1])[...] : [], &fields)
        }
        self.fields = fields
    }

    func record(_ line: ArraySlice<UInt8>, isError: Bool, isPartial: Bool, processID: Int32) -> [UInt8] {
        // RFC 5424's severities: error and informational.
        let severity = isError ? 3 : 6
        if forward.format == .journal { return journal(line, severity, isPartial) }
        let priority = "<\(forward.facility << 3 | severity)>"
        let tag = forward.tag
        var record: [UInt8]
        switch forward.format {
        case .rfc5424, .rfc5424micro:
            let time = LogRecordText.fullTime(micro: forward.format == .rfc5424micro)
            record = Array("\(priority)1 \(time) ".utf8) + hostName + Array(" \(tag) \(processID) \(tag) - ".utf8)
        case .rfc3164:
            record =
                Array("\(priority)\(LogRecordText.shortTime()) ".utf8) + hostName
                + Array(" \(tag)[\(processID)]: ".utf8)
        default: record = Array("\(priority)\(LogRecordText.shortTime()) \(tag)[\(processID)]: ".utf8)
        }
        record += line
        // A stream has no other end of a record, and the datagrams look alike.
        record.append(0x0A)
        return record
    }

    private func journal(_ line: ArraySlice<UInt8>, _ severity: Int, _ isPartial: Bool) -> [UInt8] {
        var record: [UInt8] = []
        LogRecordText.field("MESSAGE", line, &record)
        LogRecordText.field("PRIORITY", Array("\(severity)".utf8)[...], &record)
        if isPartial { LogRecordText.field("CONTAINER_PARTIAL_MESSAGE", Array("true".utf8)[...], &record) }
        return record + fields
    }

    /// `NAME=value`, or with a length where the value has newlines.
    private static func field(_ name: String, _ value: ArraySlice<UInt8>, _ record: inout [UInt8]) {
        record += name.utf8
        if value.contains(0x0A) {
            record.append(0x0A)
            for shift in 0..<8 { record.append(UInt8(truncatingIfNeeded: value.count >> (8 * shift))) }
        } else {
            record.append(UInt8(ascii: "="))
        }
        record += value
        record.append(0x0A)
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func now() -> (civil: tm, nanoseconds: Int64) {
        let now = wallClockNanoseconds()
        var seconds = time_t(now / 1_000_000_000)
        var civil = tm()
        localtime_r(&seconds, &civil)
        return (civil, now % 1_000_000_000)
    }

    private static func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private static func clock(_ civil: tm) -> String {
        "\(two(civil.tm_hour)):\(two(civil.tm_min)):\(two(civil.tm_sec))"
    }

    /// RFC 3164's: `Jan  2 15:04:05`, local time.
    private static func shortTime() -> String {
        let (civil, _) = now()
        let day = civil.tm_mday < 10 ? " \(civil.tm_mday)" : "\(civil.tm_mday)"
        return "\(months[Int(max(0, min(11, civil.tm_mon)))]) \(day) \(clock(civil))"
    }

    /// RFC 3339's, with its offset from UTC.
    private static func fullTime(micro: Bool) -> String {
        let (civil, nanoseconds) = now()
        var text = "\(civil.tm_year + 1900)-\(two(civil.tm_mon + 1))-\(two(civil.tm_mday))T\(clock(civil))"
        if micro {
            let digits = "\(nanoseconds / 1000)"
            text += "." + String(repeating: "0", count: 6 - digits.count) + digits
        }
        let offset = civil.tm_gmtoff / 60
        if offset == 0 { return text + "Z" }
        let distance = Int32(abs(offset))
        return text + (offset < 0 ? "-" : "+") + "\(two(distance / 60)):\(two(distance % 60))"
    }
}
