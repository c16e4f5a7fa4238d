// A plan as people and programs read it: what `--dry-run` prints, as text and as JSON (schemas/plan.schema.json).

package struct PlanDocument: Codable, Sendable, Equatable {
    /// One operation; its edges lead to smaller numbers.
    package struct Step: Codable, Sendable, Equatable {
        package enum Action: String, Codable, Sendable, CaseIterable {
            case create, remove, start, stop, kill, pause, unpause, rename, wait
            case takeOver = "take-over"
        }

        /// From 1, in an order that is one valid way to walk the plan.
        package var number: Int
        package var action: Action
        /// network, volume, container, service or stack.
        package var kind: String
        package var name: String
        package var service: String?
        /// The action with what it needs, in words: `stop within 10s`.
        package var text: String
        package var cause: String
        /// The steps that must have succeeded before it.
        package var needs: [Int]
        /// The steps that must have ended before it, well or not.
        package var after: [Int]
        /// True: its failure is a warning.
        package var isOptional: Bool

        package init(
            number: Int, action: Action, kind: String, name: String, service: String?, text: String, cause: String,
            needs: [Int], after: [Int], isOptional: Bool
        ) {
            self.number = number
            self.action = action
            self.kind = kind
            self.name = name
            self.service = service
            self.text = text
            self.cause = cause
            self.needs = needs
            self.after = after
            self.isOptional = isOptional
        }
    }

    package var warnings: [String]
    package var steps: [Step]

    package init(warnings: [String] = [], steps: [Step]) {
        self.warnings = warnings
        self.steps = steps
    }
}

extension PlanDocument.Step: CustomStringConvertible {
    /// `#3 [1,~2]? container demo-web-1: create, no existing container`: `~` is an edge of mere order; the `?` marks a
    /// step that may fail.
    package var description: String {
        let edges = needs.map { "\($0)" } + after.map { "~\($0)" }
        let place = edges.isEmpty ? "" : " [\(edges.joined(separator: ","))]"
        return "#\(number)\(place)\(isOptional ? "?" : "") \(kind) \(name): \(text), \(cause)"
    }
}
