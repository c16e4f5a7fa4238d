// JSON strings: what RFC 8259 demands is escaped, and what a reader of Go's output expects.
import BerthModel
import Foundation
import Testing

@Suite("JSON strings")
struct JSONStringTests {
    @Test("any text comes back, on one line and without control characters")
    func roundTrip() throws {
        let text = String(String.UnicodeScalarView((0...0x2FF).compactMap(Unicode.Scalar.init))) + "\u{2028}<🚢>"
        for extra in [[], JSONString.lineSeparators, JSONString.markup] {
            let quoted = JSONString.quoted(text, escaping: extra)
            #expect(!quoted.unicodeScalars.contains { $0.value < 0x20 || extra.contains($0) })
            let read = try JSONSerialization.jsonObject(with: Data("[\(quoted)]".utf8)) as? [String]
            #expect(read == [text])
        }
    }

    @Test("short escapes where there are some")
    func escapes() {
        #expect(JSONString.quoted("a\"\\\n\r\t\u{8}\u{C}\u{1}/é") == #""a\"\\\n\r\t\b\f\u0001/é""#)
        #expect(JSONString.quoted("<&>\u{2029}", escaping: JSONString.markup) == "\"\\u003c\\u0026\\u003e\u{2029}\"")
    }
}
