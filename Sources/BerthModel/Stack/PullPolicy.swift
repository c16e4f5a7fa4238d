// `pull_policy` and `--pull` (compose-spec, services §pull_policy).

package enum PullPolicy: Sendable, Equatable {
    case always, never, missing, build
    /// Pulled again when the last pull is so long ago.
    case every(Duration)

    /// Nil where the text is no policy.
    package init?(_ text: String) {
        switch text {
        case "always", "refresh": self = .always
        case "never": self = .never
        case "missing", "if_not_present": self = .missing
        case "build": self = .build
        case "daily": self = .every(.seconds(86_400))
        case "weekly": self = .every(.seconds(7 * 86_400))
        default:
            guard text.hasPrefix("every_"), let age = PullPolicy.age(text.dropFirst(6)) else { return nil }
            self = .every(age)
        }
    }

    /// `1w2d3h4m5s`: whole numbers with their units.
    package static func age(_ text: some StringProtocol) -> Duration? {
        let units: [Character: Int64] = ["w": 7 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1]
        var seconds: Int64 = 0
        var rest = Substring(text)
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int64(digits), let unit = rest.dropFirst(digits.count).first, let size = units[unit],
                number < 1_000_000
            else { return nil }
            seconds += number * size
            rest = rest.dropFirst(digits.count + 1)
        }
        return text.isEmpty ? nil : .seconds(seconds)
    }
}
