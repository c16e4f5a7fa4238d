// What `--dry-run` prints: a line a step, or JSON (schemas/plan.schema.json) with `--progress json`.
import BerthModel

enum PlanText {
    static func text(_ plan: PlanDocument) -> String {
        if plan.steps.isEmpty { return "nothing to do" }
        return plan.steps.map { Console.safe($0.description) }.joined(separator: "\n")
    }

    static func json(_ plan: PlanDocument) -> String {
        JSONText.object([
            ("warnings", .array(plan.warnings.map { .string($0) })), ("steps", .array(plan.steps.map(step))),
        ]).text
    }

    private static func step(_ step: PlanDocument.Step) -> JSONText {
        var fields: [(String, JSONText)] = [
            ("number", .number(Int64(step.number))), ("action", .string(step.action.rawValue)),
            ("kind", .string(step.kind)), ("name", .string(step.name)),
        ]
        if let service = step.service { fields.append(("service", .string(service))) }
        fields += [
            ("text", .string(step.text)), ("cause", .string(step.cause)),
            ("needs", .array(step.needs.map { .number(Int64($0)) })),
            ("after", .array(step.after.map { .number(Int64($0)) })), ("optional", .bool(step.isOptional)),
        ]
        return .object(fields)
    }
}
