// One line of a json-file log: what is read, what is refused, and that no bytes trap.
import BerthTesting
import Testing

@testable import BerthLog

@Suite("Log lines")
struct LogLineTests {
    static let time = "2026-01-02T03:04:05.000000006Z"

    static func parse(_ text: String) -> LogLine? { LogLine(Array(text.utf8)[...]) }

    @Test(
        "fields and escapes",
        arguments: [
            (#"hello\n"#, "hello\n"),
            (#"no newline"#, "no newline"),
            (#"a\tb\rc\"d\\e\/f\b\f"#, "a\tb\rc\"d\\e/f\u{8}\u{c}"),
            (#"\u003cb\u003e \u0026 \u001b[1m"#, "<b> & \u{1b}[1m"),
            (#"gr\u00fc\u00dfe"#, "grüße"),
            ("grüße ✓", "grüße ✓"),
            (#"\ud83d\ude00 \u2028"#, "😀 \u{2028}"),
            (#"\ud83d alone \ude00"#, "\u{FFFD} alone \u{FFFD}"),
            (#""#, ""),
        ])
    func escapes(written: String, read: String) throws {
        let raw = #"{"log":"\#(written)","stream":"stdout","time":"\#(LogLineTests.time)"}"#
        let line = try #require(LogLineTests.parse(raw))
        #expect(line == LogLine(text: read, isError: false, time: LogLineTests.time))
    }

    @Test("Docker's attributes are passed over")
    func attributes() throws {
        let line = try #require(
            LogLineTests.parse(
                #"{"log":"x\n","stream":"stderr","attrs":{"a":"}","b":{"c":"\"{"}},"time":"\#(LogLineTests.time)"}"#))
        #expect(line == LogLine(text: "x\n", isError: true, time: LogLineTests.time))
    }

    @Test(
        "what is no line is refused",
        arguments: [
            "", "{", "[]", #"{"log":"x"#, #"{"log":"x\"#, #"{"log":"x\"}"#, #"{"log":"x","stream":"stdout"}"#,
            #"{"log":3,"stream":"stdout","time":"t"}"#, #"{"stream":"stdout","log":"x","time":"t"}"#,
            #"{"log":"x","stream":"stdout","time":"t""#, #"{"log":"x","stream":"stdout","attrs":{"a","time":"t"}"#,
        ])
    func refused(text: String) {
        #expect(LogLineTests.parse(text) == nil)
    }

    @Test("no bytes trap: whole lines with bytes changed, cut and doubled")
    func fuzz() {
        let text = #"{"log":"a\u003cb\n\ud83d","stream":"stdout","attrs":{"a":"b"},"time":"2026-01-02T03:04:05Z"}"#
        let whole = Array(text.utf8)
        let spice = Array(#"{}":,\u"#.utf8)
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = spice[Int.random(in: 0..<spice.count, using: &random)]
                case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 2: bytes = Array(bytes[..<max(1, at)])
                default: bytes += bytes[at...]
                }
            }
            _ = LogLine.recovered(bytes[...])
        }
    }

    @Test("a line after a torn one is found")
    func recovered() {
        let torn = #"{"log":"lost {\"log\":\"al"# + #"{"log":"kept {\"log\":\"\n","stream":"stdout","time":"t"}"#
        #expect(LogLine.recovered(Array(torn.utf8)[...])?.text == "kept {\"log\":\"\n")
    }

    @Test(
        "instants sort whatever their fraction",
        arguments: [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z"), ("2026-01-02T03:04:05.09Z", "2026-01-02T03:04:05.1Z"),
            ("2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000001Z"),
            ("2026-01-02T03:04:05.999999999Z", "2026-01-02T03:04:06Z"),
        ])
    func instants(earlier: String, later: String) {
        #expect(LogSelection.sortable(earlier) < LogSelection.sortable(later))
        var since = LogSelection()
        since.since = later
        #expect(!since.admits(LogLine(text: "", isError: false, time: earlier)))
        #expect(since.admits(LogLine(text: "", isError: false, time: later)))
        var until = LogSelection()
        until.until = earlier
        #expect(until.admits(LogLine(text: "", isError: false, time: earlier)))
        #expect(!until.admits(LogLine(text: "", isError: false, time: later)))
    }
}
