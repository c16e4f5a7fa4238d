// The container's log: Docker's json-file lines, split at 16 KiB, rotated by size. Written here so that it outlives
// the agent.
import BerthLinux
import CLinux

final class LogWriter {
    private let path: String
    private let bytesMax: Int64
    private let filesMax: Int
    /// `,"attrs":{…}`, or nothing.
    private let attributes: [UInt8]
    /// Who else gets every line.
    let forwarder: LogForwarder?
    private var file: Int32 = -1
    private var size: Int64 = 0
    private var pending: [String: [UInt8]] = [:]
    private var buffer: [UInt8] = []
    /// Docker cuts longer lines into parts without a newline.
    private static let partBytesMax = 16 << 10

    init(_ start: ShimStart) {
        path = start.logFile
        bytesMax = start.logBytesMax
        filesMax = max(1, start.logFilesMax)
        attributes = start.logAttributes.isEmpty ? [] : Array(",\"attrs\":\(start.logAttributes)".utf8)
        forwarder = start.logForward.map { LogForwarder($0) }
        if !path.isEmpty { open() }
    }

    private func open() {
        file = clinux_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        size = file >= 0 ? Int64(lseek(file, 0, SEEK_END)) : 0
    }

    /// Takes raw output of a stream; complete lines (and full parts) are written at once.
    func append(_ bytes: [UInt8], stream: String) {
        var rest = pending[stream] ?? []
        rest.append(contentsOf: bytes)
        var begin = 0
        let now = LogWriter.timestamp(wallClockNanoseconds())
        while begin < rest.count {
            let window = rest[begin..<min(rest.count, begin + LogWriter.partBytesMax)]
            if let newline = window.firstIndex(of: 0x0A) {
                writeLine(rest[begin...newline], stream, now)
                forwarder?.add(rest[begin..<newline], isError: stream == "stderr", isPartial: false)
                begin = newline + 1
            } else if window.count == LogWriter.partBytesMax {
                writeLine(window, stream, now)
                forwarder?.add(window, isError: stream == "stderr", isPartial: true)
                begin += window.count
            } else {
                break
            }
        }
        pending[stream] = Array(rest[begin...])
        flushBuffer()
    }

    /// A last line without a newline is a line.
    func endOfStream(_ stream: String) {
        if let rest = pending[stream], !rest.isEmpty {
            writeLine(rest[...], stream, LogWriter.timestamp(wallClockNanoseconds()))
            forwarder?.add(rest[...], isError: stream == "stderr", isPartial: false)
        }
        pending[stream] = nil
        flushBuffer()
    }

    func flush() { flushBuffer() }

    func close() {
        for stream in Array(pending.keys) { endOfStream(stream) }
        forwarder?.finish()
        if file >= 0 { _ = CLinux.close(file) }
        file = -1
    }

    private func writeLine(_ text: ArraySlice<UInt8>, _ stream: String, _ time: [UInt8]) {
        let begin = buffer.count
        buffer.append(contentsOf: "{\"log\":\"".utf8)
        LogWriter.escape(text, into: &buffer)
        buffer.append(contentsOf: "\",\"stream\":\"".utf8)
        buffer.append(contentsOf: stream.utf8)
        buffer.append(UInt8(ascii: "\""))
        buffer.append(contentsOf: attributes)
        buffer.append(contentsOf: ",\"time\":\"".utf8)
        buffer.append(contentsOf: time)
        buffer.append(contentsOf: "\"}\n".utf8)
        if bytesMax > 0 && size + Int64(buffer.count) > bytesMax && size + Int64(begin) > 0 {
            // The line that would go beyond opens the next file.
            let line = Array(buffer[begin...])
            buffer.removeSubrange(begin...)
            flushBuffer()
            rotate()
            buffer.append(contentsOf: line)
        }
        if buffer.count >= 1 << 16 { flushBuffer() }
    }

    private func flushBuffer() {
        guard !buffer.isEmpty else { return }
        defer { buffer.removeAll(keepingCapacity: true) }
        guard file >= 0 else { return }
        // Ignored: a full disk must not stop the container; the lines are lost, the next ones are tried again.
        try? FileIO.write(number: file, buffer)
        size += Int64(buffer.count)
    }

    /// name.N-1 → name.N, …, name → name.1; the oldest goes.
    private func rotate() {
        if file >= 0 { _ = CLinux.close(file) }
        if filesMax > 1 {
            for number in stride(from: filesMax - 2, through: 1, by: -1) {
                rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            rename(path, "\(path).1")
        } else {
            unlink(path)
        }
        open()
    }

    /// JSON string content as Go's encoder writes it: `<>&` and line separators escaped, broken UTF-8 replaced.
    static func escape(_ bytes: ArraySlice<UInt8>, into out: inout [UInt8]) {
        let isPlain = bytes.allSatisfy {
            $0 >= 0x20 && $0 < 0x80 && $0 != 0x22 && $0 != 0x5C && $0 != 0x3C && $0 != 0x3E && $0 != 0x26
        }
        if isPlain { out.append(contentsOf: bytes); return }
        let hex = Array("0123456789abcdef".utf8)
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x0A: out.append(contentsOf: "\\n".utf8)
            case 0x0D: out.append(contentsOf: "\\r".utf8)
            case 0x09: out.append(contentsOf: "\\t".utf8)
            case 0x22: out.append(contentsOf: "\\\"".utf8)
            case 0x5C: out.append(contentsOf: "\\\\".utf8)
            case 0..<0x20, 0x3C, 0x3E, 0x26, 0x7F:
                out.append(contentsOf: "\\u00".utf8)
                out.append(hex[Int(scalar.value >> 4)])
                out.append(hex[Int(scalar.value & 15)])
            case 0x2028: out.append(contentsOf: "\\u2028".utf8)
            case 0x2029: out.append(contentsOf: "\\u2029".utf8)
            default: out.append(contentsOf: String(scalar).utf8)
            }
        }
    }

    /// RFC 3339 in UTC with nine digits of fraction.
    static func timestamp(_ nanoseconds: Int64) -> [UInt8] {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var civil = tm()
        gmtime_r(&seconds, &civil)
        var text: [UInt8] = []
        func number(_ value: Int, _ digits: Int) {
            var rest = value
            var reversed: [UInt8] = []
            for _ in 0..<digits { reversed.append(UInt8(0x30 + rest % 10)); rest /= 10 }
            text.append(contentsOf: reversed.reversed())
        }
        number(Int(civil.tm_year) + 1900, 4); text.append(0x2D); number(Int(civil.tm_mon) + 1, 2); text.append(0x2D)
        number(Int(civil.tm_mday), 2); text.append(0x54); number(Int(civil.tm_hour), 2); text.append(0x3A)
        number(Int(civil.tm_min), 2); text.append(0x3A); number(Int(civil.tm_sec), 2); text.append(0x2E)
        number(Int(nanoseconds % 1_000_000_000), 9); text.append(0x5A)
        return text
    }
}
