// Our own log: one file, appended to, cut at the start of an agent when it has grown.
import BerthLinux
import BerthModel
import Logging

struct FileLog: LogHandler {
    private let label: String
    private let file: SharedDescriptor?
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    private static let bytesMax: Int64 = 4 << 20

    init(label: String, path: String) {
        self.label = label
        if let status = try? FileStatus.of(path), status.sizeBytes > FileLog.bytesMax {
            try? FileMove.rename(path, "\(path).1")
        }
        file = try? SharedDescriptor(Directory.open(path, flags: FileFlags.append, mode: 0o600))
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard let file else { return }
        var line =
            "\(Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())) \(event.level) \(label): \(event.message)"
        for (key, value) in (event.metadata ?? [:]).sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        // Ignored: a log that cannot be written must not stop the work.
        try? FileIO.write(number: file.number, Array((line + "\n").utf8))
    }

    /// For whoever started us, before there is a log.
    static func complain(_ text: String) { try? FileIO.write(number: 2, Array((text + "\n").utf8)) }
}
