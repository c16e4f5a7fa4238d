// The grammar as a JSON schema (draft-07), for editors. `schemas/stack.schema.json` is this text; a test keeps it so.

package enum SchemaDocument {
    /// Shapes that occur at several places are definitions.
    private static let definitions: [(String, Shape)] = [
        ("service", ServiceShape.root), ("build", BuildShape.root), ("develop", BuildShape.develop),
        ("deploy", DeployShape.root), ("healthcheck", ServiceShape.healthcheck), ("hook", ServiceShape.hook),
        ("materials", ServiceShape.materials), ("ulimits", ServiceShape.ulimits),
        ("extra_hosts", ServiceShape.extraHosts),
        ("network", StackShape.network), ("volume", StackShape.volume), ("secret", StackShape.secret),
        ("config", StackShape.config), ("model", StackShape.model), ("include", StackShape.include),
        ("pairs", Shape.pairs), ("command", Shape.command), ("text_or_texts", Shape.textOrTexts),
        ("texts", Shape.texts),
        ("options", Shape.options),
    ]

    package static var text: String {
        var root: [(String, StackDocument)] = [
            ("$schema", .string("http://json-schema.org/draft-07/schema#")), ("title", .string("berth stack file")),
            ("description", .string("A compose file as berth reads it.")),
        ]
        if case .map(let entries) = document(StackShape.root, isDefinition: true) { root += entries }
        root.append(("definitions", .map(definitions.map { ($0.0, document($0.1, isDefinition: true)) })))
        return StackDocument.map(root).json + "\n"
    }

    private static func reference(_ shape: Shape) -> StackDocument? {
        definitions.first { $0.1 === shape }.map { .map([("$ref", .string("#/definitions/\($0.0)"))]) }
    }

    private static func document(_ shape: Shape, isDefinition: Bool = false) -> StackDocument {
        if !isDefinition, let reference = reference(shape) { return reference }
        if shape.kinds.contains(.anything) { return .map([]) }
        var alternatives: [StackDocument] = []
        if let scalar = scalar(shape) { alternatives.append(scalar) }
        if let items = shape.items {
            var entries: [(String, StackDocument)] = [("type", .string("array")), ("items", document(items))]
            if shape.itemsAreUnique { entries.append(("uniqueItems", .bool(true))) }
            alternatives.append(.map(entries))
        }
        if let members = shape.members { alternatives.append(object(members)) }
        return alternatives.count == 1 ? alternatives[0] : .map([("anyOf", .list(alternatives))])
    }

    private static func scalar(_ shape: Shape) -> StackDocument? {
        var types: [String] = []
        if shape.kinds.contains(.text) { types.append("string") }
        if shape.kinds.contains(.number) {
            types.append("number")
        } else if shape.kinds.contains(.integer) {
            types.append("integer")
        }
        if shape.kinds.contains(.boolean) { types.append("boolean") }
        if shape.kinds.contains(.null) { types.append("null") }
        guard !types.isEmpty else { return nil }
        var entries: [(String, StackDocument)] = [
            ("type", types.count == 1 ? .string(types[0]) : .list(types.map { .string($0) }))
        ]
        if let choices = shape.choices { entries.append(("enum", .list(choices.map { .string($0) }))) }
        if let pattern = shape.pattern { entries.append(("pattern", .string(pattern.expression))) }
        if let range = shape.range {
            entries.append(("minimum", .int(range.lowerBound)))
            if range.upperBound != .max { entries.append(("maximum", .int(range.upperBound))) }
        }
        return .map(entries)
    }

    private static func object(_ members: Shape.Members) -> StackDocument {
        var entries: [(String, StackDocument)] = [("type", .string("object"))]
        if !members.fields.isEmpty {
            entries.append(
                (
                    "properties",
                    .map(
                        members.fields.map { field in
                            let description = StackDocument.string(field.description)
                            // draft-07 ignores what stands beside $ref.
                            if let reference = reference(field.shape) {
                                return (
                                    field.name, .map([("description", description), ("allOf", .list([reference]))])
                                )
                            }
                            guard case .map(let inner) = document(field.shape) else { return (field.name, .map([])) }
                            return (field.name, .map([("description", description)] + inner))
                        })
                ))
        }
        var patterns: [(String, StackDocument)] = []
        if members.allowsExtensions { patterns.append(("^x-", .map([]))) }
        if let keys = members.keys, let values = members.values { patterns.append((keys.expression, document(values))) }
        if !patterns.isEmpty { entries.append(("patternProperties", .map(patterns))) }
        if members.isClosed { entries.append(("additionalProperties", .bool(false))) }
        if !members.required.isEmpty { entries.append(("required", .list(members.required.map { .string($0) }))) }
        return .map(entries)
    }
}
