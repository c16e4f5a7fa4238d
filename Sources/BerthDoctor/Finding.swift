// One thing that was looked at, and what it means.

package struct Finding: Sendable, Equatable {
    package enum Level: String, Sendable { case ok, warning, fatal }

    package var name: String
    package var level: Level
    /// What there is.
    package var found: String
    /// What the lack costs; empty where nothing is lacking.
    package var cost: String
    package var hint: String

    package static func fine(_ name: String, _ found: String) -> Finding {
        Finding(name: name, level: .ok, found: found, cost: "", hint: "")
    }

    package static func warning(_ name: String, _ found: String, costs cost: String, hint: String) -> Finding {
        Finding(name: name, level: .warning, found: found, cost: cost, hint: hint)
    }

    package static func fatal(_ name: String, _ found: String, costs cost: String, hint: String) -> Finding {
        Finding(name: name, level: .fatal, found: found, cost: cost, hint: hint)
    }
}
