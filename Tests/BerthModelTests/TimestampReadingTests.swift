// Times as documents of images write them.
import Testing

@testable import BerthModel

@Suite("Timestamp: reading")
struct TimestampReadingTests {
    @Test(
        "RFC 3339 is read as it is printed",
        arguments: [
            ("1970-01-01T00:00:01Z", "1970-01-01T00:00:01Z"), ("2024-02-29T12:00:00.5+01:00", "2024-02-29T11:00:00.5Z"),
            ("2026-11-26T22:30:32.505482144Z", "2026-11-26T22:30:32.505482144Z"),
            ("1969-12-31T23:59:59-00:30", "1970-01-01T00:29:59Z"), ("2000-03-01 00:00:00z", "2000-03-01T00:00:00Z"),
            ("1900-03-01T00:00:00Z", "1900-03-01T00:00:00Z"),
            ("2025-01-01T00:00:00.1234567899Z", "2025-01-01T00:00:00.123456789Z"),
        ])
    func reads(text: String, printed: String) { #expect(Timestamp(rfc3339: text)?.description == printed) }

    @Test(
        "anything else is no time",
        arguments: [
            "", "Z", "2024", "2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00.Z", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2024-01-01T00:00:00+1:00",
            "2024-01-01T00:00:00ZZ", "２024-01-01T00:00:00Z",
        ])
    func refuses(text: String) { #expect(Timestamp(rfc3339: text) == nil) }
}
