// Wall-clock instants without Foundation, printed as RFC 3339 with nanoseconds, as Docker's documents have them.

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z. The zero value prints as Docker's "never".
package struct Timestamp: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package var nanosecondsSinceEpoch: Int64

    package init(nanosecondsSinceEpoch: Int64) { self.nanosecondsSinceEpoch = nanosecondsSinceEpoch }

    /// "0001-01-01T00:00:00Z", Docker's value for a thing that has not happened.
    package static let never = Timestamp(nanosecondsSinceEpoch: 0)

    package var seconds: Int64 { nanosecondsSinceEpoch.floorDivided(by: 1_000_000_000) }

    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(
            nanosecondsSinceEpoch: nanosecondsSinceEpoch + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    package func duration(since earlier: Timestamp) -> Duration {
        .nanoseconds(nanosecondsSinceEpoch - earlier.nanosecondsSinceEpoch)
    }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanosecondsSinceEpoch < b.nanosecondsSinceEpoch }

    /// RFC 3339, UTC, trailing zeros of the fraction dropped (Go's RFC3339Nano).
    package var description: String {
        if self == .never { return "0001-01-01T00:00:00Z" }
        let civil = CivilTime(secondsSinceEpoch: seconds)
        var text = civil.rfc3339WithoutZone
        let fraction = nanosecondsSinceEpoch - seconds * 1_000_000_000
        if fraction != 0 {
            var digits = String(fraction)
            digits = String(repeating: "0", count: 9 - digits.count) + digits
            while digits.last == "0" { digits.removeLast() }
            text += "." + digits
        }
        return text + "Z"
    }
}

/// A UTC calendar date and time of day (proleptic Gregorian).
package struct CivilTime: Sendable, Equatable {
    package var year: Int64
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    /// Days-to-date by the era method: 400-year eras of 146,097 days, years that begin in March.
    package init(secondsSinceEpoch: Int64) {
        let days = secondsSinceEpoch.floorDivided(by: 86_400)
        let secondOfDay = Int(secondsSinceEpoch - days * 86_400)
        let shifted = days + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = secondOfDay / 3600
        minute = secondOfDay % 3600 / 60
        second = secondOfDay % 60
    }

    package var rfc3339WithoutZone: String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let yearText = String(year)
        let padded = String(repeating: "0", count: max(0, 4 - yearText.count)) + yearText
        return "\(padded)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second))"
    }
}

extension Int64 {
    /// Division that rounds towards minus infinity, for calendar arithmetic before 1970.
    func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
