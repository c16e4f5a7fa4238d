// The variables that files refer to: `config --variables`.
import BerthModel

/// One reference's terms.
package struct VariableReference: Sendable, Equatable {
    package var name: String
    package var isRequired = false
    package var defaultValue = ""
    package var alternative = ""
}

extension StackLoader {
    /// In the order of their first use; what a file says later about the same name is added.
    package func variables(_ options: LoadOptions) -> [VariableReference] {
        let remarks = Remarks()
        let environment = EnvironmentResolver(source: source, remarks: remarks).resolve(options)
        let discovery = FileDiscovery(
            source: source, options: options, environment: environment.values, remarks: remarks)
        guard let files = discovery.files() else { return [] }
        let reader = StackReader(
            source: source, remarks: remarks, directory: discovery.directory(files),
            displayDirectory: options.workingDirectory, environment: environment.values, interpolator: nil)
        var found: [VariableReference] = []
        for document in files.flatMap({ reader.documents(of: $0) ?? [] }) {
            VariableReference.collect(document, &found)
        }
        return found
    }
}

extension VariableReference {
    fileprivate static func collect(_ node: Node, _ found: inout [VariableReference]) {
        switch node.value {
        case .string(let text): collect(Array(text.utf8)[...], &found)
        case .sequence(let items): for item in items { collect(item, &found) }
        case .mapping(let entries): for entry in entries { collect(entry.value, &found) }
        default: break
        }
    }

    private static func collect(_ text: ArraySlice<UInt8>, _ found: inout [VariableReference]) {
        for reference in Template.references(in: text) {
            let operand = String(decoding: reference.operand, as: UTF8.self)
            var entry = VariableReference(name: reference.name)
            switch reference.symbol {
            case 0x2D?: entry.defaultValue = operand
            case 0x2B?: entry.alternative = operand
            case 0x3F?: entry.isRequired = true
            default: break
            }
            if let index = found.firstIndex(where: { $0.name == entry.name }) {
                if entry.isRequired { found[index].isRequired = true }
                if found[index].defaultValue.isEmpty { found[index].defaultValue = entry.defaultValue }
                if found[index].alternative.isEmpty { found[index].alternative = entry.alternative }
            } else {
                found.append(entry)
            }
            collect(reference.operand, &found)
        }
    }
}
